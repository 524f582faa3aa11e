"""Models to take away: trained networks in a folder, and what fits them and predicts with them.

`load_model` and `save_model` are public; `runs` keep networks of cells, commands fit and predict.
No file is unpickled, and no code is read from a folder.
"""

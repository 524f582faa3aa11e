"""Files and processes: atomic writes, leases, hashes, downloads, archives, tensors on disk.

Nothing here knows of images, training or scores.
All packages above may use every module.
"""

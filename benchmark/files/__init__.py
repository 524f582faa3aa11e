"""Files and processes: writing whole files, leases, hashes, downloads, archives, tensors on disk.

Nothing here knows of images, training or scores.
Every room above may use every module.
"""

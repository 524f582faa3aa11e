"""Pretrained networks, and the rows of features they make of images, each image embedded once.

A `backbone.Backbone` is a plug-in; `embedding` shows it images, `embedded` keeps what it made of a
data set. Other rooms ask `frozen.frozen_backbone` whether a network is the head of one.
"""

"""Images in and out, data sets resident in memory, and batches with augmentation."""

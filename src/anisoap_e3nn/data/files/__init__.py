"""Files of particles and of features: readers and writers."""

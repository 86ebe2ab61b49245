//! Snapshot drivers for image layers and container file systems, and volumes.

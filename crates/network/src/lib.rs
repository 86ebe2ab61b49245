//! IPAM, drivers, name files and published ports.

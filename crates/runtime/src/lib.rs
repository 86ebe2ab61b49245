//! OCI runtime specification in, process out: namespaces, cgroups, mounts, capabilities, seccomp.

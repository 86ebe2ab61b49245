//! What can go wrong in container networking, and how bad it is.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use sampan_error::{Classify, Kind};

/// The result of this crate.
pub type Result<T, E = NetworkError> = std::result::Result<T, E>;

/// A failure in container networking.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The kernel refused a request.
    #[error("the kernel refused to {what}: {source}{}", detail(message))]
    Kernel {
        /// What was asked, as the end of "to …".
        what: String,
        /// The kernel's own explanation (extended acknowledgement), if it gave one.
        message: Option<String>,
        /// The error number.
        source: io::Error,
    },
    /// A file or socket call failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// The error.
        source: io::Error,
    },
    /// A netlink answer that does not follow its format.
    #[error(
        "the kernel's answer could not be read: {what}; this is a bug or a kernel newer than this program"
    )]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// An instance id that cannot name kernel objects.
    #[error("the instance id {text:?} must have at least 8 characters of a-z and 0-9")]
    InvalidInstance {
        /// What was given.
        text: String,
    },
    /// Not a hardware address that an interface can have.
    #[error("invalid MAC address: {text:?} is not six pairs of hexadecimal digits of a single interface")]
    InvalidMac {
        /// What was given.
        text: String,
    },
    /// A network record that its driver cannot serve.
    #[error("network {network}: {reason}")]
    InvalidNetwork {
        /// Its name.
        network: String,
        /// Why not.
        reason: String,
    },
    /// A device name that the kernel does not take.
    #[error("{name:?} is not a device name: it must have 1 to 15 characters without '/', ':' and spaces")]
    InvalidDevice {
        /// What was given.
        name: String,
    },
    /// No network of that name or id.
    #[error("network {name} not found")]
    NoSuchNetwork {
        /// What was asked.
        name: String,
    },
    /// A network of that id is there already.
    #[error("network with name {name} already exists")]
    NetworkExists {
        /// Its name.
        name: String,
    },
    /// Containers are still connected.
    #[error("network {name} has active endpoints")]
    NetworkInUse {
        /// Its name.
        name: String,
    },
    /// A device of that name belongs to somebody else.
    #[error("the device {device} is already there and is not ours; remove it, or choose another bridge name")]
    DeviceTaken {
        /// The device.
        device: String,
    },
    /// A range that this host already uses elsewhere.
    #[error("{subnet} overlaps with {other}, which this host already uses; choose another range")]
    SubnetClash {
        /// The range asked for.
        subnet: IpNet,
        /// The one in use.
        other: IpNet,
    },
    /// No range is left.
    #[error("all predefined address pools have been fully subnetted; give the network a subnet of its own")]
    PoolsExhausted,
    /// No address is left in a network.
    #[error("no available IPv4 addresses on this network's address pools: {network} ({subnet})")]
    AddressesExhausted {
        /// The network.
        network: String,
        /// Its range.
        subnet: IpNet,
    },
    /// The address asked for is taken.
    #[error("Address already in use: {address}")]
    AddressTaken {
        /// The address.
        address: IpAddr,
    },
    /// The address asked for is not in the network.
    #[error("no configured subnet contains IP address {address}")]
    AddressOutside {
        /// The address.
        address: IpAddr,
    },
    /// A request that names what this network cannot give.
    #[error("{reason}")]
    Unsupported {
        /// Which and why.
        reason: String,
    },
    /// Another container of ours holds the port. The words are Docker's; clients search for them.
    #[error("Bind for {} failed: port is already allocated", docker_address(address))]
    PortAllocated {
        /// Host address and port.
        address: SocketAddr,
    },
    /// Every port of the range is held.
    #[error("all ports are allocated")]
    PortsExhausted,
    /// Something else on the host holds the port, or the address is not the host's. The words are Docker's.
    #[error("failed to bind host port {address}/{protocol}: {}", errno_text(source))]
    PortBind {
        /// Host address and port.
        address: SocketAddr,
        /// `tcp`, `udp` or `sctp`.
        protocol: &'static str,
        /// The error.
        source: io::Error,
    },
    /// Several failures of a teardown that went on to its end.
    #[error("{0}")]
    Several(ErrorList),
}

/// The failures of a teardown, which collects them and goes on.
#[derive(Debug, Default)]
pub struct ErrorList(Vec<NetworkError>);

impl ErrorList {
    /// Keeps the failure of one step, if it failed.
    pub fn collect<T>(&mut self, step: Result<T>) -> Option<T> {
        match step {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(error);
                None
            }
        }
    }

    /// The failures in the order in which they happened.
    pub fn errors(&self) -> &[NetworkError] {
        &self.0
    }

    /// Success when nothing failed; a single failure stays itself.
    ///
    /// # Errors
    /// What was collected.
    pub fn finish(mut self) -> Result<()> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(self.0.remove(0)),
            _ => Err(NetworkError::Several(self)),
        }
    }
}

impl fmt::Display for ErrorList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl NetworkError {
    /// The error number, where the kernel gave one.
    pub(crate) fn errno(&self) -> Option<i32> {
        match self {
            Self::Kernel { source, .. } | Self::System { source, .. } | Self::PortBind { source, .. } => {
                source.raw_os_error()
            }
            _ => None,
        }
    }

    /// Makes a closure for `map_err` that says what was tried.
    pub(crate) fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what: what.into(), source: source.into() }
    }
}

impl Classify for NetworkError {
    fn kind(&self) -> Kind {
        match self {
            Self::Kernel { source, .. } | Self::System { source, .. } => Classify::kind(source),
            Self::Malformed { .. } => Kind::Internal,
            Self::InvalidInstance { .. }
            | Self::InvalidMac { .. }
            | Self::InvalidNetwork { .. }
            | Self::InvalidDevice { .. }
            | Self::AddressOutside { .. }
            | Self::Unsupported { .. } => Kind::InvalidArgument,
            Self::NoSuchNetwork { .. } => Kind::NotFound,
            Self::NetworkExists { .. } => Kind::AlreadyExists,
            Self::NetworkInUse { .. } | Self::DeviceTaken { .. } | Self::SubnetClash { .. } => Kind::Conflict,
            // Docker answers 500 to a start whose port or address is taken, and clients know that.
            Self::AddressTaken { .. } | Self::PortAllocated { .. } | Self::PortBind { .. } => Kind::Exhausted,
            Self::PoolsExhausted | Self::AddressesExhausted { .. } | Self::PortsExhausted => Kind::Exhausted,
            Self::Several(list) => list.0.first().map_or(Kind::Internal, Classify::kind),
        }
    }
}

fn detail(message: &Option<String>) -> String {
    message.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

/// Docker writes IPv6 here without brackets.
fn docker_address(address: &SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}

/// The error number's text as C and Go print it, which is what clients search for: lower case, no number.
fn errno_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

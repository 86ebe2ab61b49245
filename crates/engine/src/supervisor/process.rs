//! The processes themselves: starting them by descriptor, reaping them, connecting to one that runs.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use sampan_error::{Context, Error, Kind, Result};
use sampan_shim::protocol::{FollowOptions, SOCKET_NAME};
use sampan_sys::process::{Child, Spawn};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Starts the small program with these arguments and descriptors, its standard streams at /dev/null, as a
/// session of its own.
pub(super) fn start(
    program: BorrowedFd<'_>,
    arguments: &[&str],
    descriptors: &[(BorrowedFd<'_>, RawFd)],
) -> io::Result<Child> {
    let null = sampan_sys::descriptor::null()?;
    let arguments = arguments
        .iter()
        .map(|argument| CString::new(*argument))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let standard = [0, 1, 2].map(|number| (null.as_fd(), number));
    let descriptors: Vec<_> = standard.into_iter().chain(descriptors.iter().copied()).collect();
    sampan_sys::process::spawn(&Spawn {
        program,
        arguments: &arguments,
        environment: &[],
        descriptors: &descriptors,
        new_session: true,
    })
}

/// Collects a child when it ends, so that it leaves no zombie.
pub(super) fn reap(pidfd: Arc<OwnedFd>) -> Result<()> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for the sake of types that do not own their descriptor"
    )]
    let watched =
        AsyncFd::with_interest(Watched(pidfd), Interest::READABLE).context("cannot watch a shim process")?;
    tokio::spawn(async move {
        // Readable means ended; an error means that the runtime is being shut down.
        if watched.readable().await.is_ok() {
            let _ = sampan_sys::pidfd::try_wait(&*watched.get_ref().0);
        }
    });
    Ok(())
}

struct Watched(Arc<OwnedFd>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Connects to the shim of this directory; also says which process it is.
pub(super) async fn connect(directory: &Path) -> Result<(OwnedFd, i32)> {
    let missing = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Kind::NotFound,
            _ => Kind::Internal,
        };
        Error::new(kind, format!("no shim answers in {}", directory.display())).caused_by(error)
    };
    // A socket's path is limited to 108 bytes: go by a descriptor of the directory.
    let handle = std::fs::File::open(directory).map_err(missing)?;
    let path = sampan_sys::descriptor::proc_path(&handle).join(SOCKET_NAME);
    let stream = tokio::net::UnixStream::connect(path).await.map_err(missing)?;
    let peer = stream.peer_cred().map_err(missing)?.pid().unwrap_or(0);
    Ok((stream.into_std().map_err(missing)?.into(), peer))
}

/// Starts a follower of a log.
pub(super) fn follow(
    program: BorrowedFd<'_>,
    options: &FollowOptions,
    client: BorrowedFd<'_>,
    shim: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let text = serde_json::to_string(options)
        .map_err(|error| Error::internal("cannot describe a log to its follower").caused_by(error))?;
    let mut descriptors = vec![(client, 3)];
    descriptors.extend(shim.map(|shim| (shim, 4)));
    let child = start(program, &["sampan-shim", "follow", &text], &descriptors)
        .context("cannot start a process that follows the log")?;
    reap(Arc::new(child.pidfd))
}

//! One blob on its way to a registry, taken up again after each break.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sampan_error::{Error, Result};

use super::sessions::SessionFile;
use super::source::{Sent, Source};
use crate::client::{Repository, Upload};
use crate::step::Meter;

const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sends a blob and gives its digest. `begun` is an upload that the registry opened already.
pub(super) async fn send(
    target: &Repository,
    source: &Source,
    begun: Option<Upload>,
    session: &SessionFile,
    attempts: u32,
    meter: &Arc<Meter>,
) -> Result<Sent> {
    let mut upload = begun;
    let mut failures = 0;
    loop {
        let before = upload.as_ref().map_or(0, |upload| upload.offset);
        match once(target, source, &mut upload, session, meter).await {
            Ok(sent) => {
                session.forget();
                return Ok(sent);
            }
            Err(Failed::Here(error)) => return Err(error),
            Err(Failed::There(error)) => {
                upload = None;
                if let Some(location) = session.location() {
                    upload = target.upload_status(&location).await.ok().flatten();
                }
                let now = upload.as_ref().map_or(0, |upload| upload.offset);
                failures = if now > before { 1 } else { failures + 1 };
                if !error.is_retryable() || failures >= attempts {
                    return Err(error.into());
                }
                tracing::debug!(%error, failures, offset = now, "an upload broke off and is taken up again");
                let pause = PAUSE * 2_u32.pow((failures - 1).min(10));
                tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            }
        }
    }
}

/// Whose fault it was.
enum Failed {
    Here(Error),
    There(crate::client::RegistryError),
}

impl From<crate::client::RegistryError> for Failed {
    fn from(error: crate::client::RegistryError) -> Self {
        Self::There(error)
    }
}

async fn once(
    target: &Repository,
    source: &Source,
    upload: &mut Option<Upload>,
    session: &SessionFile,
    meter: &Arc<Meter>,
) -> Result<Sent, Failed> {
    let mut current = match upload.take() {
        Some(upload) => upload,
        None => resumed_or_new(target, session).await?,
    };
    session.remember(&current.location).map_err(Failed::Here)?;
    let (chunks, outcome) = source.open(current.offset);
    meter.restart(current.offset);
    let counter = Arc::clone(meter);
    let counted = chunks.inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            counter.add(chunk.len() as u64);
        }
    });
    let appended = target.append(&mut current, counted, None).await;
    let sent = match outcome.await {
        // The body's own failure is why the request failed, unless the registry broke off first.
        Ok(Err(error)) if error.kind() == sampan_error::Kind::DataLoss || appended.is_ok() => {
            return Err(Failed::Here(error));
        }
        Ok(Ok(sent)) => {
            appended?;
            sent
        }
        Ok(Err(_)) | Err(_) => {
            appended?;
            return Err(Failed::Here(Error::internal("a layer could not be compressed to its end")));
        }
    };
    if let Err(error) = session.remember(&current.location) {
        return Err(Failed::Here(error));
    }
    target.finish_upload(current, &sent.digest).await?;
    Ok(sent)
}

/// The upload that a former push began, else a new one.
async fn resumed_or_new(target: &Repository, session: &SessionFile) -> Result<Upload, Failed> {
    if let Some(location) = session.location() {
        if let Ok(Some(upload)) = target.upload_status(&location).await {
            return Ok(upload);
        }
        session.forget();
    }
    match target.start_upload(None).await? {
        crate::client::Started::Upload(upload) => Ok(upload),
        crate::client::Started::Mounted => {
            Err(Failed::Here(Error::internal("the registry mounted a blob that nobody asked it to mount")))
        }
    }
}

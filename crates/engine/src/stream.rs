//! Bytes on their way to a client, made by blocking code.

use bytes::Bytes;
use futures_util::Stream;
use sampan_error::{Kind, Result};
use std::io::Write;
use std::pin::Pin;
use tokio::sync::mpsc;

/// A stream of bytes; its failure ends it.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// Bytes sent to the client at once.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait for a slow client.
const WAITING: usize = 4;

/// Runs a blocking producer on a thread of its own and gives what it writes as a stream. When the client goes
/// away the producer's next write fails, and it ends.
pub(crate) fn produce(work: impl FnOnce(&mut dyn Write) -> Result<()> + Send + 'static) -> ByteStream {
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes>>(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut writer = ChannelWriter { sender, buffer: Vec::with_capacity(CHUNK) };
        let outcome = work(&mut writer).and_then(|()| Ok(writer.flush()?));
        if let Err(error) = outcome {
            // The receiver may be gone, which is why the write failed.
            let _ = writer.sender.blocking_send(Err(error));
        }
    });
    Box::pin(futures_util::stream::poll_fn(move |context| receiver.poll_recv(context)))
}

struct ChannelWriter {
    sender: mpsc::Sender<Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for ChannelWriter {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }
}

/// Reads a stream from blocking code.
pub struct StreamReader {
    receiver: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
}

/// Makes a stream readable for blocking code: the stream is pulled by a task of its own.
pub fn reader(mut stream: ByteStream) -> StreamReader {
    use futures_util::StreamExt;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some(item) = stream.next().await {
            if sender.send(item).await.is_err() {
                return;
            }
        }
    });
    StreamReader { receiver, current: Bytes::new() }
}

impl std::io::Read for StreamReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(error)) => {
                    let kind = match error.kind() {
                        Kind::Cancelled => std::io::ErrorKind::ConnectionAborted,
                        _ => std::io::ErrorKind::Other,
                    };
                    return Err(std::io::Error::new(kind, error));
                }
            }
        }
        let length = into.len().min(self.current.len());
        into[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}

//! A connection whose other side takes nothing is given up: hyper waits for ever for an answer to be read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream on which a write that gets nowhere for so long fails.
pub(super) struct Patient<S> {
    stream: S,
    most: Duration,
    /// Runs while there is something that the other side does not take.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) const fn new(stream: S, most: Duration) -> Self {
        Self { stream, most, waiting: None }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let most = self.most;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(most)));
        ready!(waiting.as_mut().poll(context));
        // Whoever asks again is told the same at once.
        waiting.as_mut().reset(Instant::now());
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > SMALL_BYTES {
            let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
            return self.judge(context, written);
        }
        let (mut whole, mut at) = ([0; SMALL_BYTES], 0);
        for part in parts {
            whole[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.poll_write(context, &whole[..len])
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, written)
    }
}

/// What is written in one piece: for the system that is less work than several, for us it is hardly any.
const SMALL_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What was written in one piece each, and whether in parts.
    struct Pieces(Vec<(String, bool)>);

    impl AsyncWrite for Pieces {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push((String::from_utf8_lossy(bytes).into_owned(), false));
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            parts: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let whole = parts.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>();
            let len = whole.len();
            self.0.push((whole, true));
            Poll::Ready(Ok(len))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_small_answer_is_written_in_one_piece_and_a_large_one_is_not_copied() {
        let mut stream = Patient::new(Pieces(Vec::new()), Duration::from_secs(1));
        let large = "x".repeat(SMALL_BYTES);
        for [head, body] in [["head", "body"], ["head", &large], ["", &large], ["", ""]] {
            let parts = [head, body].map(|part| io::IoSlice::new(part.as_bytes()));
            assert_eq!(stream.write_vectored(&parts).await.unwrap(), head.len() + body.len());
            let is_small = head.len() + body.len() <= SMALL_BYTES;
            assert_eq!(stream.stream.0.pop(), Some((format!("{head}{body}"), !is_small)));
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_is_given_up_and_who_takes_a_little_is_not() {
        let (near, mut far) = duplex(8);
        let mut near = Patient::new(near, Duration::from_secs(1));
        near.write_all(&[0; 8]).await.unwrap();
        let slow = tokio::spawn(async move {
            for _ in 0..10 {
                sleep(Duration::from_millis(150)).await;
                far.read_exact(&mut [0; 8]).await.unwrap();
            }
            far
        });
        near.write_all(&[0; 80]).await.unwrap();
        let _far = slow.await.unwrap();
        let begun = Instant::now();
        let error = near.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
}

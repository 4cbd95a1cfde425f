//! `LocalSocket`: bound for one user, and gone when the server is.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::limits::SOCKET_PATH_BYTES_MAX;

const OWNER_ONLY: u32 = 0o600;
const ROOT_UID: u32 = 0;

/// A unix socket that answers its own user and root, and nobody else.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    owner_uid: u32,
}

/// The socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The system takes no longer paths.
    #[error(
        "the path of the local socket has {bytes} bytes, more than the {SOCKET_PATH_BYTES_MAX} that a \
         unix socket can have: {}", path.display()
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// There is a file that is no socket.
    #[error("{} exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// There is a socket, and nothing proves that its server has ended.
    #[error("{} exists: another server may be using it", .0.display())]
    InUse(PathBuf),
    /// The system refused.
    #[error("the local socket {} cannot be made", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LocalSocket {
    /// Makes the socket. One that a dead server left behind is removed only by whoever holds the lock
    /// of the store: that lock is what proves that no other server runs.
    ///
    /// # Errors
    /// [`SocketError`], which says what is in the way.
    pub fn bind(path: &Path, holds_store_lock: bool) -> Result<Self, SocketError> {
        let bytes = path.as_os_str().as_bytes().len();
        if bytes > SOCKET_PATH_BYTES_MAX {
            return Err(SocketError::PathTooLong {
                path: path.to_owned(),
                bytes,
            });
        }
        let broken = |source| SocketError::Io {
            path: path.to_owned(),
            source,
        };
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(SocketError::NotASocket(path.to_owned()));
            }
            Ok(_) if holds_store_lock => std::fs::remove_file(path).map_err(broken)?,
            Ok(_) => return Err(SocketError::InUse(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(broken(error)),
        }
        let listener = UnixListener::bind(path).map_err(broken)?;
        let owner_only = std::fs::Permissions::from_mode(OWNER_ONLY);
        std::fs::set_permissions(path, owner_only).map_err(broken)?;
        let owner_uid = rustix::process::geteuid().as_raw();
        Ok(Self {
            listener,
            path: path.to_owned(),
            owner_uid,
        })
    }

    /// The next connection of a user who may, with that user. Others are dropped and logged.
    pub(crate) async fn next(&self) -> io::Result<(UnixStream, u32)> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let uid = stream.peer_cred()?.uid();
            if may_connect(uid, self.owner_uid) {
                return Ok((stream, uid));
            }
            tracing::warn!(uid, "refused another user on the local socket");
        }
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the local socket was already gone");
        }
    }
}

fn may_connect(uid: u32, owner_uid: u32) -> bool {
    uid == owner_uid || uid == ROOT_UID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_for_its_owner_and_goes_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("housekey.sock");
        let socket = LocalSocket::bind(&path, false).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let client = UnixStream::connect(&path).await.unwrap();
        let (_, uid) = socket.next().await.unwrap();
        assert_eq!(uid, client.peer_cred().unwrap().uid());
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn other_users_may_not_connect() {
        assert!(may_connect(1000, 1000));
        assert!(may_connect(0, 1000));
        assert!(!may_connect(1001, 1000));
        assert!(!may_connect(1000, 0));
    }

    #[tokio::test]
    async fn a_stale_socket_is_removed_by_the_holder_of_the_lock_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("housekey.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let without_lock = LocalSocket::bind(&path, false).unwrap_err();
        assert!(
            matches!(without_lock, SocketError::InUse(_)),
            "{without_lock}"
        );
        assert!(path.exists());
        drop(LocalSocket::bind(&path, true).unwrap());

        std::fs::write(&path, "precious").unwrap();
        let not_ours = LocalSocket::bind(&path, true).unwrap_err();
        assert!(matches!(not_ours, SocketError::NotASocket(_)), "{not_ours}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let length = SOCKET_PATH_BYTES_MAX - folder.path().as_os_str().len();
        let longest = folder.path().join("s".repeat(length - 1));
        drop(LocalSocket::bind(&longest, false).unwrap());
        let error = LocalSocket::bind(&folder.path().join("s".repeat(length)), false).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("has 108 bytes, more than the 107"),
            "{error}"
        );
    }
}

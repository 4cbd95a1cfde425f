//! The socket through which the command line talks to the running server: HTTP/1.1 over a unix
//! socket, for this machine's owner only.

mod routes;
mod shape;
mod socket;

pub use routes::router;
pub use socket::{LocalSocket, SocketError};

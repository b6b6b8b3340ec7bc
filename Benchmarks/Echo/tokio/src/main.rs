//! An echo server on tokio, with its scheduler of one thread and a task a connection, as tokio's
//! documentation shows it.
//!
//!     echo-tokio --port N

use std::os::unix::io::AsRawFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{signal, SignalKind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let port = match &arguments[..] {
        [_, option, port] if option == "--port" => port.parse().expect("a port"),
        _ => {
            eprintln!("usage: echo-tokio --port N");
            std::process::exit(64);
        }
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    // As long a backlog as the others'.
    if unsafe { libc::listen(listener.as_raw_fd(), 4096) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    eprintln!("listening address=127.0.0.1 port={}", listener.local_addr()?.port());
    let mut end = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(echo(client));
                }
            }
            _ = end.recv() => return Ok(()),
        }
    }
}

async fn echo(mut client: TcpStream) {
    let _ = client.set_nodelay(true);
    let mut buffer = vec![0; 4096];
    while let Ok(count) = client.read(&mut buffer).await {
        if count == 0 || client.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

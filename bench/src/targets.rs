//! The processes of a run: the upstream, and what stands before it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Failure, pause};

/// How often, and how long in between, a port is tried before its process counts as broken.
const TRIES: u32 = 200;
const TRY: u64 = 25_000_000;

/// A process that ends with its value.
pub(crate) struct Target {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Target {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn listening(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on http://");
        let address = address.ok_or_else(|| format!("not listening: `{}`", line.trim_end()))?;
        let address = address.parse()?;
        Ok(Self { child, address })
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The upstream: this program.
pub(crate) fn upstream() -> Result<Target, Failure> {
    Target::listening(Command::new(std::env::current_exe()?).arg("upstream"))
}

/// What is compared.
pub(crate) struct Starter {
    pub(crate) respair: PathBuf,
    /// For nginx' files, and for what respair would otherwise find in the user's home.
    pub(crate) directory: PathBuf,
}

impl Starter {
    /// The gateway as a user starts it, without lines about requests.
    pub(crate) fn respair(&self, upstream: SocketAddr) -> Result<Target, Failure> {
        let mut command = Command::new(&self.respair);
        command
            .args(["serve", "--quiet", "--listen", "127.0.0.1:0"])
            .arg("--upstream")
            .arg(format!("http://{upstream}/v1"))
            .env("XDG_CONFIG_HOME", &self.directory)
            .env("XDG_STATE_HOME", &self.directory);
        for name in [
            "CONFIG",
            "MODEL",
            "BASE_URL",
            "API_KEY",
            "RECOVERY",
            "STATE_DIR",
        ] {
            command.env_remove(format!("RESPAIR_{name}"));
        }
        Target::listening(&mut command)
    }

    /// nginx, as one sets it up for event streams.
    pub(crate) fn nginx(&self, upstream: SocketAddr) -> Result<Target, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = self.directory.join("nginx.conf");
        fs::write(&file, nginx_config(&self.directory, address, upstream))?;
        let child = Command::new("nginx")
            .args(["-e", "stderr", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("nginx (Debian: `apt-get install nginx-light`): {error}"))?;
        let target = Target { child, address };
        for _ in 0..TRIES {
            if TcpStream::connect(address).is_ok() {
                return Ok(target);
            }
            pause(TRY);
        }
        Err("nginx does not answer".into())
    }
}

/// One process, and everything as by default except what streams need: nothing is buffered, the upstream is spoken to in
/// HTTP/1.1 and kept alive, and nobody's time runs out.
fn nginx_config(directory: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let directory = directory.display();
    format!(
        "daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    upstream relay {{ server {upstream}; keepalive 64; }}
    server {{
        listen {address} backlog=4096;
        location / {{
            proxy_pass http://relay;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_read_timeout 1h;
        }}
    }}
}}
"
    )
}

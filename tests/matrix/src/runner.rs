//! Asking a column: its runner, which stays for many cells, or one `codex exec`.

mod codex;

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::columns::{Column, Kind};
use crate::endpoint::{Served, Way};
use crate::heard::{Answer, Heard, Outcome};

pub use codex::{Codex, events};

/// How long a client has to give up once the endpoint is gone. Then its process is ended.
const GRACE: Duration = Duration::from_secs(3);

/// One column's runner, started when it is first asked and again when it has died.
#[derive(Debug)]
pub struct Runner {
    column: Column,
    process: Option<Process>,
    codex: Option<Codex>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Runner {
    /// A runner for this column. Nothing is started yet.
    #[must_use]
    pub fn new(column: Column) -> Self {
        Self {
            column,
            process: None,
            codex: None,
        }
    }

    /// Asks what the column makes of this endpoint, which is closed when the time limit passes.
    ///
    /// # Errors
    /// When the client is not installed or does not start.
    pub async fn ask(&mut self, served: Served, way: Way) -> io::Result<Answer> {
        if self.column.kind != Kind::Codex {
            return self.ask_runner(served, way).await;
        }
        if self.codex.is_none() {
            let (program, _) = self.program()?;
            self.codex = Some(Codex::new(program)?);
        }
        let codex = self.codex.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let outcome = codex.ask(&served, way.limit()).await?;
        let asked = served.asked();
        Ok(Answer { outcome, asked })
    }

    async fn ask_runner(&mut self, served: Served, way: Way) -> io::Result<Answer> {
        let line = format!("{}\n", serde_json::json!({"base_url": served.base_url()}));
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.start().await?,
        };
        process.input.write_all(line.as_bytes()).await?;
        let in_time = timeout(way.limit(), process.output.next_line()).await;
        let late = in_time.is_err();
        let asked = served.asked();
        // What waits for the endpoint gives up when it goes, and can be asked again.
        drop(served);
        let answer = match in_time {
            Ok(answer) => Ok(answer),
            Err(_) => timeout(GRACE, process.output.next_line()).await,
        };
        let outcome = match answer {
            Err(_) => {
                process.child.kill().await?;
                Outcome::Hang
            }
            Ok(line) => match line? {
                None => {
                    let status = process.child.wait().await?;
                    Outcome::Died(format!("the runner ended with {status}"))
                }
                Some(line) => {
                    self.process = Some(process);
                    match late {
                        true => Outcome::Hang,
                        false => Outcome::Heard(Box::new(serde_json::from_str::<Heard>(&line)?)),
                    }
                }
            },
        };
        Ok(Answer { outcome, asked })
    }

    fn program(&self) -> io::Result<(std::path::PathBuf, Vec<std::path::PathBuf>)> {
        self.column.program().ok_or_else(|| {
            let hint = "`cargo xtask clients install --all` installs it";
            io::Error::other(format!("{} is not installed: {hint}", self.column.client))
        })
    }

    /// Its imports are no part of the first cell's time: `ready` comes first.
    async fn start(&self) -> io::Result<Process> {
        let (program, args) = self.program()?;
        let mut command = alone(Command::new(program));
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(io::Error::other("no pipes"));
        };
        let mut output = BufReader::new(output).lines();
        match output.next_line().await? {
            Some(line) if line == "ready" => Ok(Process {
                child,
                input,
                output,
            }),
            other => Err(io::Error::other(format!(
                "the runner of {} said {other:?} in place of ready",
                self.column.name
            ))),
        }
    }
}

/// Without what the environment says of keys, addresses and proxies: the client is to ask this endpoint and no other.
fn alone(mut command: Command) -> Command {
    for name in [
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENAI_ORG_ID",
        "OPENAI_PROJECT_ID",
    ] {
        command.env_remove(name);
    }
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        command.env_remove(name);
    }
    // A client's own statistics go nowhere, and prices come from the package.
    command
        .env("NO_PROXY", "127.0.0.1")
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("OPENAI_AGENTS_DISABLE_TRACING", "1")
        .env("LANGSMITH_TRACING", "false")
        .kill_on_drop(true);
    command
}

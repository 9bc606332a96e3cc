//! `shell`: a command, its output, and how it ended.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::Settings;
use super::arguments::Arguments;
use super::environment::scrubbed;
use super::hooks::Watched;
use super::output::{Kept, cleaned};
use super::place::{Place, Places};
use super::process::{self, Group};
use super::sandbox::Sandbox;
use crate::{BoxFuture, CallContext, Preview, Tool, ToolOutput, ToolSpec};

/// Between being asked to end and being made to.
const TERM: Duration = Duration::from_millis(50);
/// How long the output may stay open behind the command: what it left in the background has that long to end.
const LINGER: Duration = Duration::from_millis(80);
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_millis(100);
/// Bytes of a line of progress.
const LINE: usize = 200;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// A command's length in bytes; the kernel takes no longer argument.
const LONGEST: usize = 128 << 10;

/// What every command finds in its environment.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    // Nobody could answer.
    ("GIT_TERMINAL_PROMPT", "0"),
    ("DEBIAN_FRONTEND", "noninteractive"),
];

pub(super) struct Shell {
    spec: ToolSpec,
    places: Places,
    sandbox: Option<Arc<Sandbox>>,
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    time: Duration,
    time_most: Duration,
    output: usize,
}

impl Shell {
    pub(super) fn new(settings: &Settings, places: Places) -> Self {
        let sandbox = Sandbox::new(settings, &places);
        let sandbox = (settings.sandbox && sandbox.is_wanted()).then(|| Arc::new(sandbox));
        let program = program(&settings.environment);
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let time = settings.shell_time.as_secs();
        let time_most = settings.shell_time_most.as_secs();
        let parameters = json!({
            "type": "object",
            "properties": {
                "command": {"type": "string"},
                "timeout": {
                    "type": "integer",
                    "description": format!("Seconds; default {time}, at most {time_most}"),
                },
                "workdir": {"type": "string"},
            },
            "required": ["command"],
        });
        let about = format!(
            "Run a command with {name}. There is no terminal and no input; whatever it starts ends with it. Of a long output the middle is left out."
        );
        Self {
            spec: ToolSpec::new("shell", about, parameters),
            sandbox,
            program,
            environment: scrubbed(&settings.environment, &settings.key_variables),
            time: settings.shell_time,
            time_most: settings.shell_time_most,
            output: settings.shell_output,
            places,
        }
    }

    fn plan(&self, map: &Map<String, Value>) -> Result<Plan, String> {
        let arguments = Arguments::of(map, &["command", "timeout", "workdir"])?;
        let command = arguments.text("command")?;
        if command.trim().is_empty() {
            return Err("the command is empty".to_owned());
        }
        if command.contains('\0') {
            return Err("the command has a NUL in it".to_owned());
        }
        if command.len() > LONGEST {
            return Err(format!(
                "the command is longer than {} KiB; write it to a file and run that",
                LONGEST >> 10
            ));
        }
        let time = match arguments.count("timeout")? {
            Some(seconds) if seconds > self.time_most.as_secs() => {
                let most = self.time_most.as_secs();
                return Err(format!("`timeout` is at most {most} seconds"));
            }
            Some(seconds) => Duration::from_secs(seconds),
            None => self.time,
        };
        let workdir = self
            .places
            .resolve(arguments.optional_text("workdir")?.unwrap_or("."))?;
        Ok(Plan {
            command: command.to_owned(),
            time,
            workdir,
        })
    }

    async fn run(&self, plan: Plan, context: &CallContext) -> Result<ToolOutput, String> {
        let failed = |error: io::Error| {
            let error = error.to_string();
            let system = error.split(" (os error").next().unwrap_or_default();
            format!("the command was not started: {system}")
        };
        let (reader, writer) = io::pipe().map_err(failed)?;
        let mut command = Command::new(&self.program);
        command
            .args(["-c", &plan.command])
            .current_dir(&plan.workdir.path)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(ENVIRONMENT)
            .stdin(nothing().map_err(failed)?)
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer);
        let output = Receiver::from_owned_fd(reader.into()).map_err(failed)?;
        let watched = self.watch(&plan).await;
        let started = process::start(command, self.sandbox.clone()).await;
        let (child, group) = started.map_err(failed)?;
        let mut running = Running {
            child,
            group,
            output,
            kept: Kept::new(self.output),
            closed: false,
            progress: Progress::new(context.progress.clone()),
        };
        let ended = running.ended(plan.time, context).await;
        if let Ended::Itself(_) = ended {
            running.drain().await;
        }
        let left_behind = running.clear_up().await;
        let mut output = told(&ended, &running.kept, left_behind, plan.time);
        self.say_why(&ended, plan.time, &mut output);
        if let Some(mut watched) = watched {
            let aside = tokio::task::spawn_blocking(move || watched.put_aside()).await;
            self.say_aside(&aside.unwrap_or_default(), &mut output);
        }
        Ok(output)
    }

    /// What git would run later, as it is before the command. Without a sandbox it could run that itself.
    async fn watch(&self, plan: &Plan) -> Option<Watched> {
        self.sandbox.as_ref()?;
        let (workdir, top) = (plan.workdir.path.clone(), self.places.cwd().to_owned());
        let look = tokio::task::spawn_blocking(move || Watched::look(&workdir, &top));
        look.await.ok()
    }

    /// What the model cannot know from the output alone, and could do about it.
    fn say_why(&self, ended: &Ended, time: Duration, output: &mut ToolOutput) {
        let Value::String(text) = &mut output.content else {
            return;
        };
        let most = self.time_most;
        if matches!(ended, Ended::OutOfTime) && time < most {
            text.push_str(&format!("\n[`timeout` may be up to {}]", most.as_secs()));
        }
        let refused = ["Permission denied", "Operation not permitted"];
        if output.failed && self.sandbox.is_some() && refused.iter().any(|what| text.contains(what))
        {
            let below = match self.places.holds_protected() {
                true => {
                    "to what exists already below the working directory, where respair's own files lie,"
                }
                false => "below the working directory",
            };
            text.push_str(&format!(
                "\n[the sandbox: commands write only {below} and in temporary directories]"
            ));
        }
    }

    fn say_aside(&self, aside: &[PathBuf], output: &mut ToolOutput) {
        if aside.is_empty() {
            return;
        }
        let shown = aside.iter().map(|path| {
            let below = path.strip_prefix(self.places.cwd()).unwrap_or(path);
            below.display().to_string()
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let said = format!(
            "[put aside, since git would run it later, outside of the sandbox: {shown}; it has `.put-aside` behind its name now, \
             and what was there before is there again. Only the user can put it there]"
        );
        if let Value::String(text) = &mut output.content {
            text.push('\n');
            text.push_str(&said);
        }
        output.summary.push_str(&format!(", put aside {shown}"));
    }
}

/// A call that was looked at.
struct Plan {
    command: String,
    time: Duration,
    workdir: Place,
}

/// How a command ended.
enum Ended {
    Itself(ExitStatus),
    OutOfTime,
    Interrupted,
    Lost(io::Error),
}

struct Running {
    child: Child,
    group: Group,
    output: Receiver,
    kept: Kept,
    closed: bool,
    progress: Progress,
}

impl Running {
    async fn ended(&mut self, time: Duration, context: &CallContext) -> Ended {
        let out_of_time = tokio::time::sleep(time);
        tokio::pin!(out_of_time);
        let mut chunk = vec![0; CHUNK];
        let ended = loop {
            tokio::select! {
                biased;
                () = context.cancel.cancelled() => break Ended::Interrupted,
                () = &mut out_of_time => break Ended::OutOfTime,
                status = self.child.wait() => {
                    return status.map_or_else(Ended::Lost, Ended::Itself);
                }
                read = self.output.read(&mut chunk), if !self.closed => self.take(&chunk, read),
            }
        };
        self.group.terminate();
        // It may have something to tidy up, and to say.
        let tidied = async {
            loop {
                tokio::select! {
                    biased;
                    _ = self.child.wait() => return,
                    read = self.output.read(&mut chunk), if !self.closed => {
                        match read {
                            Ok(0) | Err(_) => self.closed = true,
                            Ok(length) => self.kept.push(&chunk[..length]),
                        }
                    }
                }
            }
        };
        // What took its time is ended below.
        let _ = timeout(TERM, tidied).await;
        ended
    }

    fn take(&mut self, chunk: &[u8], read: io::Result<usize>) {
        match read {
            Ok(0) | Err(_) => self.closed = true,
            Ok(length) => {
                self.kept.push(&chunk[..length]);
                self.progress.tell(&chunk[..length]);
            }
        }
    }

    /// Ends what is left of the group, and reads what is left of its output. Gives whether there was anybody.
    async fn clear_up(&mut self) -> bool {
        let left_behind = self.group.kill();
        self.drain().await;
        // Killed, it is gone at once, but for a disk that does not answer.
        let _ = timeout(LINGER, self.child.wait()).await;
        left_behind
    }

    /// Reads on until nobody holds the output any more, but not for long.
    async fn drain(&mut self) {
        let mut chunk = vec![0; CHUNK];
        let whole = async {
            while !self.closed {
                let read = self.output.read(&mut chunk).await;
                self.take(&chunk, read);
            }
        };
        let _ = timeout(LINGER, whole).await;
    }
}

/// Lines for the screen, now and then. Nobody waits for them.
struct Progress {
    lines: mpsc::Sender<String>,
    last: Option<Instant>,
}

impl Progress {
    fn new(lines: mpsc::Sender<String>) -> Self {
        Self { lines, last: None }
    }

    fn tell(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < PROGRESS) {
            return;
        }
        // The last line is in the last bytes; a longer one is cut anyway.
        let end = &bytes[bytes.len().saturating_sub(4 * LINE)..];
        let text = cleaned(end);
        let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) else {
            return;
        };
        let line = line[..line.floor_char_boundary(LINE)].to_owned();
        if self.lines.try_send(line).is_ok() {
            self.last = Some(now);
        }
    }
}

/// What the model and the screen are told.
fn told(ended: &Ended, kept: &Kept, left_behind: bool, time: Duration) -> ToolOutput {
    let mut text = kept.text();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let how = match ended {
        Ended::Itself(status) => how(*status),
        Ended::OutOfTime => format!("ended after {} s, its time limit", time.as_secs()),
        Ended::Interrupted => "interrupted by the user".to_owned(),
        Ended::Lost(error) => format!("lost: {error}"),
    };
    text.push_str(&format!("[{how}]"));
    if left_behind && matches!(ended, Ended::Itself(_)) {
        text.push_str("\n[what it left running was ended]");
    }
    let summary = match kept.total() {
        0 => how,
        bytes => format!("{how}, {bytes} bytes"),
    };
    ToolOutput {
        content: Value::String(text),
        failed: !matches!(ended, Ended::Itself(status) if status.success()),
        summary,
    }
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("killed by signal {signal} ({})", signal_name(signal)),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    use rustix::process::Signal;
    let known = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
    ];
    let named = known.iter().find(|(known, _)| known.as_raw() == signal);
    named.map_or("?", |(_, name)| name)
}

/// An input that is at its end: the device for it, which programs know, else a pipe that nobody writes to.
fn nothing() -> io::Result<Stdio> {
    match std::fs::File::open("/dev/null") {
        Ok(device) => Ok(device.into()),
        Err(_) => io::pipe().map(|(reader, _)| reader.into()),
    }
}

/// bash, which models write for, or the system's shell.
fn program(environment: &[(OsString, OsString)]) -> PathBuf {
    let path = environment.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.clone()).unwrap_or_default();
    let bash = std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("bash"))
        .find(|bash| bash.is_file());
    bash.unwrap_or_else(|| Path::new("/bin/sh").to_owned())
}

impl Tool for Shell {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        let command = arguments.get("command").and_then(Value::as_str);
        let workdir = arguments.get("workdir").and_then(Value::as_str);
        let (outside, note) = match self.places.resolve(workdir.unwrap_or(".")) {
            Ok(place) => {
                let note = (place.shown != ".").then(|| format!("in {}", place.shown));
                (place.outside, note)
            }
            Err(why) => (Some(why), None),
        };
        Preview {
            outside,
            note,
            wrong: self.plan(arguments).err(),
            ..Preview::of(command.unwrap_or_default())
        }
    }

    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput> {
        Box::pin(async move {
            let done = match self.plan(&arguments) {
                Ok(plan) => self.run(plan, &context).await,
                Err(why) => Err(why),
            };
            done.unwrap_or_else(ToolOutput::failed)
        })
    }
}

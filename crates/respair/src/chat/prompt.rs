//! Where the user types: a thread of its own, because a line editor waits. On a terminal that draws it is reedline; elsewhere
//! it is a line of standard input.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reedline::{
    Color, ColumnarMenu, EditCommand, Emacs, FileBackedHistory, Highlighter, KeyCode, KeyModifiers,
    MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, Reedline,
    ReedlineEvent, ReedlineMenu, Signal, StyledText, ValidationResult, Validator,
    default_emacs_keybindings,
};
use tokio::sync::oneshot;

use super::complete::Complete;

/// Messages that the history keeps.
const KEPT: usize = 1000;
/// What stands before a message.
const MARK: &str = "› ";

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C, on a line with something in it: it was thrown away.
    Cleared,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Stop,
    /// Ctrl-D, or the end of the input.
    End,
    /// Nothing can be typed any more, and why.
    Failed(String),
}

/// What a message is asked for with.
struct Request {
    /// What stands there already.
    text: String,
    reply: oneshot::Sender<Typed>,
}

/// The thread.
pub(super) struct Input {
    requests: std::sync::mpsc::Sender<Request>,
}

impl Input {
    /// With a line editor, on a terminal that draws.
    pub(super) fn editor(history: Option<PathBuf>, cwd: PathBuf, color: bool) -> Self {
        let (requests, waiting) = std::sync::mpsc::channel::<Request>();
        std::thread::spawn(move || {
            let typed = Arc::new(AtomicBool::new(false));
            let mut editor = editor(history.as_deref(), cwd, color, &typed);
            for request in waiting {
                let line = edit(&mut editor, request.text, color, &typed);
                let _ = request.reply.send(line);
            }
        });
        Self { requests }
    }

    /// Lines of standard input; `prompts`: a terminal is told when one is waited for.
    pub(super) fn lines(prompts: bool) -> Self {
        let (requests, waiting) = std::sync::mpsc::channel::<Request>();
        std::thread::spawn(move || {
            for request in waiting {
                let _ = request.reply.send(line(prompts));
            }
        });
        Self { requests }
    }

    /// The next message.
    pub(super) fn next(&self, text: String) -> oneshot::Receiver<Typed> {
        let (reply, typed) = oneshot::channel();
        // Without the thread the receiver is told at once.
        let _ = self.requests.send(Request { text, reply });
        typed
    }
}

/// A line; one that ends in a backslash goes on with the next.
fn line(prompts: bool) -> Typed {
    let mut text = String::new();
    let mut mark = "> ";
    loop {
        if prompts {
            let mut err = io::stderr();
            // Nothing is left to do when standard error is gone.
            let _ = write!(err, "{mark}").and_then(|()| err.flush());
        }
        let mut bytes = Vec::new();
        let read = io::BufRead::read_until(&mut io::stdin().lock(), b'\n', &mut bytes);
        match read {
            Err(error) => return Typed::Failed(crate::term::system(&error)),
            Ok(0) if text.is_empty() => return Typed::End,
            Ok(_) => {}
        }
        let Ok(read) = std::str::from_utf8(&bytes) else {
            return Typed::Failed("what was typed is not UTF-8".to_owned());
        };
        let read = read.trim_end_matches(['\n', '\r']);
        match read.strip_suffix('\\') {
            Some(begun) if !bytes.is_empty() => {
                text.push_str(begun);
                text.push('\n');
                mark = ". ";
            }
            _ => return Typed::Line(text + read),
        }
    }
}

fn editor(history: Option<&Path>, cwd: PathBuf, color: bool, typed: &Arc<AtomicBool>) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let newline = || ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, newline());
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::Enter, newline());
    keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('j'), newline());
    // The one command that is the host's.
    let stop = ReedlineEvent::ExecuteHostCommand("stop".to_owned());
    keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('z'), stop);
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![
            ReedlineEvent::Menu("completion".to_owned()),
            ReedlineEvent::MenuNext,
        ]),
    );
    let menu = ColumnarMenu::default().with_name("completion");
    let menu = Box::new(menu.with_marker(MARK));
    let editor = Reedline::create()
        .use_bracketed_paste(true)
        .with_ansi_colors(color)
        .with_highlighter(Box::new(AsTyped(Arc::clone(typed))))
        .with_completer(Box::new(Complete { cwd }))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(menu))
        .with_validator(Box::new(Backslash))
        .with_edit_mode(Box::new(Emacs::new(keys)));
    let kept = history.filter(|path| private(path).is_ok());
    let kept = kept.and_then(|path| FileBackedHistory::with_file(KEPT, path.to_owned()).ok());
    match kept {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    }
}

/// What is typed may be secret: the file is its owner's alone.
fn private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}

/// `typed` is whether there was something in the line when it was last drawn.
fn edit(editor: &mut Reedline, text: String, color: bool, typed: &AtomicBool) -> Typed {
    typed.store(false, Ordering::Relaxed);
    if !text.is_empty() {
        editor.run_edit_commands(&[EditCommand::Clear, EditCommand::InsertString(text)]);
    }
    let signal = editor.read_line(&Mark { color });
    // The editor has switched it off; what is pasted while an answer comes is to be told from what is typed.
    let _ = crossterm::execute!(io::stdout(), crossterm::event::EnableBracketedPaste);
    let _ = editor.sync_history();
    match signal {
        Ok(Signal::Success(line)) => Typed::Line(unescaped(&line)),
        Ok(Signal::CtrlC) if typed.load(Ordering::Relaxed) => Typed::Cleared,
        Ok(Signal::CtrlC) => Typed::Interrupt,
        Ok(Signal::CtrlD) => Typed::End,
        Ok(Signal::HostCommand(_)) => Typed::Stop,
        Ok(_) => Typed::Line(String::new()),
        Err(error) => Typed::Failed(error.to_string()),
    }
}

/// Lines that were continued with a backslash.
fn unescaped(text: &str) -> String {
    text.replace("\\\n", "\n")
}

/// What is typed has the terminal's own colour: any other may be that of its background. Keeps whether there is something.
struct AsTyped(Arc<AtomicBool>);

impl Highlighter for AsTyped {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        self.0.store(!line.is_empty(), Ordering::Relaxed);
        let mut text = StyledText::new();
        text.push((Color::Default.normal(), line.to_owned()));
        text
    }
}

/// A message whose last character is a backslash goes on in the next line.
struct Backslash;

impl Validator for Backslash {
    fn validate(&self, line: &str) -> ValidationResult {
        match line.ends_with('\\') {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Complete,
        }
    }
}

/// What stands before the message.
struct Mark {
    color: bool,
}

impl Prompt for Mark {
    fn render_prompt_left(&self) -> std::borrow::Cow<'_, str> {
        "".into()
    }

    fn render_prompt_right(&self) -> std::borrow::Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> std::borrow::Cow<'_, str> {
        MARK.into()
    }

    fn render_prompt_multiline_indicator(&self) -> std::borrow::Cow<'_, str> {
        "  ".into()
    }

    fn render_prompt_history_search_indicator(
        &self,
        search: PromptHistorySearch,
    ) -> std::borrow::Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing like ",
        };
        format!("(search: {found}{}) ", search.term).into()
    }

    fn get_indicator_color(&self) -> Color {
        match self.color {
            true => Color::Green,
            false => Color::Default,
        }
    }
}

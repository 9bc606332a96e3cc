//! What the commands do.

use std::path::PathBuf;

use respair_agent::{Permission, TakenBack, transcript};

use super::draw::Draw;
use super::ui::Leave;
use super::{Chat, commands, status};
use crate::term::{self, one_line};

/// Sessions that `/sessions` lists.
const LISTED: usize = 10;

impl Chat {
    /// A command, by its name.
    pub(super) async fn run(&mut self, name: &str, rest: &str) -> Result<(), Leave> {
        let draw = match name {
            "help" => match commands::help(rest) {
                Ok(text) => Draw::Document(text),
                Err(why) => Draw::Error(why),
            },
            "model" => self.set_model(rest),
            "retry" => return self.retry().await,
            "undo" => self.undo().await,
            "compact" => return self.compact().await,
            "reasoning" => return self.reasoning(rest).await,
            "usage" => Draw::Document(status::usage(&self.conversation.totals(), self.window())),
            "tools" => Draw::Document(self.tools()),
            "sessions" => self.list().await,
            _ => self.export(rest).await,
        };
        self.ui.say(draw).await
    }

    fn set_model(&mut self, name: &str) -> Draw {
        if name.contains(char::is_whitespace) {
            return Draw::Error("a model's name is one word; nothing was changed".to_owned());
        }
        if !name.is_empty() {
            let model = (name != "default").then(|| name.to_owned());
            self.conversation.set_model(model.clone());
            self.model = model;
        }
        Draw::Notice(format!("{} is asked", self.who()))
    }

    async fn retry(&mut self) -> Result<(), Leave> {
        let Some(input) = self.conversation.last_input() else {
            return self
                .ui
                .say(Draw::Notice("there is no turn to ask again".into()))
                .await;
        };
        if !self.meet().await? {
            return Ok(());
        }
        // A compaction that came after it goes first.
        while self.conversation.undo().await == Some(TakenBack::Compaction) {}
        let said = "the last turn is taken back, and asked again";
        self.ui.say(Draw::Notice(said.into())).await?;
        self.turn(input).await
    }

    async fn undo(&mut self) -> Draw {
        Draw::Notice(match self.conversation.undo().await {
            None => "there is nothing to take back".to_owned(),
            Some(TakenBack::Compaction) => "the compaction is taken back".to_owned(),
            Some(TakenBack::Turn(said)) if said.is_empty() => {
                "the last turn is taken back".to_owned()
            }
            Some(TakenBack::Turn(said)) => format!("taken back: {}", one_line(&said)),
        })
    }

    async fn compact(&mut self) -> Result<(), Leave> {
        let status = self.status();
        let work = self.conversation.compact();
        let (answer, _) = self.ui.drive(work, status).await?;
        let message = answer.and_then(|answer| answer.message);
        match message {
            Some(why) => self.ui.say(Draw::Error(one_line(&why))).await,
            None => Ok(()),
        }
    }

    /// Folds it, shows what was folded in the last turn, or sets how much of it there is to be.
    async fn reasoning(&mut self, rest: &str) -> Result<(), Leave> {
        let presenter = &mut self.ui.presenter;
        let folds = match rest {
            "" => !presenter.folds,
            "fold" | "off" | "hide" => true,
            "show" | "on" => false,
            _ => presenter.folds,
        };
        presenter.folds = folds;
        self.ui.say(Draw::Fold(folds)).await?;
        let said = match rest {
            "" | "fold" | "off" | "hide" | "show" | "on" => String::new(),
            effort if effort.chars().all(|c| c.is_ascii_alphanumeric()) => {
                let given = (effort != "default").then(|| effort.to_owned());
                self.conversation.set_reasoning_effort(given);
                let meant = crate::config::meant_effort(effort);
                let meant = meant.map(|meant| format!(" (did you mean {meant}?)"));
                let meant = meant.unwrap_or_default();
                format!("; its effort is {effort} from here on{meant}")
            }
            _ => {
                let why = "/reasoning takes `fold`, `show`, or an effort, which is one word";
                return self.ui.say(Draw::Error(why.to_owned())).await;
            }
        };
        let how = if folds { "folded" } else { "shown" };
        let said = format!("reasoning is {how}{said}");
        self.ui.say(Draw::Notice(said)).await?;
        if !folds {
            for draw in self.ui.presenter.unfold() {
                self.ui.say(draw).await?;
            }
        }
        Ok(())
    }

    fn tools(&self) -> String {
        let options = self.conversation.agent().options();
        let mut lines = Vec::new();
        for tool in options.tools.iter() {
            let spec = tool.spec();
            let permission = options.permissions.of(&spec.name, "", spec.permission);
            let word = match permission {
                Permission::Allow => "runs",
                Permission::Ask => "asks",
                Permission::Deny => "is refused",
            };
            let does = spec.description.split(['.', '\n']).next().unwrap_or("");
            lines.push(format!(
                "- `{}` {word}: {}",
                one_line(&spec.name),
                one_line(does)
            ));
        }
        match lines.is_empty() {
            true => "There are no tools.\n".to_owned(),
            false => lines.join("\n") + "\n",
        }
    }

    async fn list(&self) -> Draw {
        let Some(sessions) = &self.sessions else {
            return Draw::Notice("sessions are not kept".to_owned());
        };
        match sessions.list(LISTED).await {
            Err(error) => Draw::Error(one_line(&error.to_string())),
            Ok(list) if list.is_empty() => Draw::Notice("there is no session yet".to_owned()),
            Ok(list) => {
                let mut text = String::from("```\n");
                for session in list {
                    let here = if Some(&session.id) == self.id.as_ref() {
                        "*"
                    } else {
                        " "
                    };
                    let s = if session.turns == 1 { " " } else { "s" };
                    let (id, turns, title) = (&session.id, session.turns, one_line(&session.title));
                    text.push_str(&format!("{here} {id}  {turns:>3} turn{s}  {title}\n"));
                }
                text.push_str("```\n\n`respair chat --resume ID` goes on with one.\n");
                Draw::Document(text)
            }
        }
    }

    async fn export(&self, rest: &str) -> Draw {
        let entries = self.conversation.entries();
        let info = match (&self.sessions, &self.id) {
            (Some(sessions), Some(id)) => sessions.find(Some(id)).await.ok(),
            _ => None,
        };
        let path = match (rest, &self.id) {
            ("", Some(id)) => PathBuf::from(format!("{id}.md")),
            ("", None) => PathBuf::from("conversation.md"),
            (name, _) => PathBuf::from(name),
        };
        let is_json = path.extension().is_some_and(|kind| kind == "json");
        let text = match (&info, is_json) {
            (Some(info), true) => transcript::json(info, entries),
            (None, true) => return Draw::Error("only what is kept can be JSON".to_owned()),
            (info, false) => {
                let title = info.as_ref().map_or("", |info| info.title.as_str());
                transcript::markdown(title, entries)
            }
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(self.cwd.join(&path));
        let written =
            written.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        let shown = one_line(&path.display().to_string());
        match written {
            Ok(()) => Draw::Notice(format!("written to {shown}")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Draw::Error(format!("{shown} is there already; name another file"))
            }
            Err(error) => Draw::Error(format!("{shown}: {}", term::system(&error))),
        }
    }
}

//! `respair config init|show|path|check`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use respair_client::{Client, ClientOptions};

use crate::args::{Common, Config};
use crate::config::{self, Settings, Unusable, shown_url};
use crate::paths::{self, Env};
use crate::{USAGE, agent, run, term};

/// Runs it.
pub(crate) fn command(common: &Common, config: &Config) -> u8 {
    let env = Env::Process;
    match config {
        Config::Init { force } => init(common, *force, &env),
        Config::Show => show(common, &env),
        Config::Path => path(common, &env),
        Config::Check => check(common, &env),
        Config::Instructions => instructions(common, &env),
    }
}

fn init(common: &Common, force: bool, env: &Env) -> u8 {
    let Some(located) = config::locate(common.config.as_deref(), env) else {
        term::error("there is no home directory to write the configuration to");
        term::help("name a file with --config");
        return USAGE;
    };
    let shown = paths::shown(&located.path, env);
    let text = config::template::render(&common.flags());
    match write(&located.path, &text, force) {
        Ok(()) => {
            let code = super::printed(term::print(&format!("wrote {shown}\n")));
            if !common.quiet {
                // `<endpoint>`, `<model>`: what the flags did not fill in.
                let empty = text.contains("default: <") || text.contains("base_url: https://<");
                term::help(match empty {
                    true => "fill it in, then `respair config check`",
                    false => "`respair config check` says whether anything is missing",
                });
            }
            code
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            term::error(&format!("{shown} is there already"));
            term::help("`respair config init --force` replaces it");
            USAGE
        }
        Err(error) => {
            term::error(&format!(
                "{shown} cannot be written: {}",
                term::system(&error)
            ));
            USAGE
        }
    }
}

/// A key may be put into it: it and a directory made for it are readable by their owner only.
fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(parent)?;
    }
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(!force)
        .create(force)
        .truncate(force);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // The mode above is for new files only.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}

fn show(common: &Common, env: &Env) -> u8 {
    let loaded = config::load(common.config.as_deref(), &common.flags(), env);
    let text = match common.json {
        true => format!("{}\n", config::show::json(&loaded, env)),
        false => config::show::yaml(&loaded, env),
    };
    let code = super::printed(term::print(&text));
    if !common.quiet {
        super::tell(&loaded.remarks, common.verbose > 0);
    }
    for problem in &loaded.problems {
        term::error(&term::one_line(&problem.headline()));
    }
    if loaded.problems.is_empty() {
        code
    } else {
        USAGE
    }
}

fn path(common: &Common, env: &Env) -> u8 {
    let Some(located) = config::locate(common.config.as_deref(), env) else {
        term::error("there is no home directory to look for the configuration in");
        return USAGE;
    };
    let code = super::printed(term::print(&format!("{}\n", located.path.display())));
    if !common.quiet && !located.path.exists() {
        term::notice("it is not there; `respair config init` writes it");
    }
    code
}

fn instructions(common: &Common, env: &Env) -> u8 {
    let loaded = config::load(common.config.as_deref(), &common.flags(), env);
    let cwd = match agent::working_directory() {
        Ok(cwd) => cwd,
        Err(code) => return code,
    };
    match agent::instructions::instructions(&loaded.agent, loaded.path.as_deref(), &cwd, env) {
        Ok(given) => {
            agent::told(common, &given.notices);
            super::printed(term::print(&given.text))
        }
        Err(why) => {
            term::error(&why);
            USAGE
        }
    }
}

fn check(common: &Common, env: &Env) -> u8 {
    let mut loaded = config::load(common.config.as_deref(), &common.flags(), env);
    let file = loaded
        .file
        .clone()
        .unwrap_or_else(|| "the environment".into());
    let settings = loaded.settings(env);
    if !common.quiet {
        super::tell(&loaded.remarks, true);
    }
    let text = match settings {
        Ok(settings) => {
            let kind = match settings.provider.is_native() {
                true => " (native: never repaired)",
                false => "",
            };
            let key = match &settings.key_source {
                Some(source) => format!("key from {source}"),
                None => "no key".into(),
            };
            let wrong = unmet(common, &settings, env);
            if !wrong.is_empty() {
                return super::printed(term::print(&wrong)).max(USAGE);
            }
            let text = format!(
                "ok: {}{kind}, {}, {}/responses, {key}\n",
                settings.provider.name(),
                settings.model,
                shown_url(&settings.base_url)
            );
            return super::printed(term::print(&text));
        }
        Err(Unusable::Nothing) if loaded.present => {
            let (what, block) = super::no_endpoint(&loaded);
            format!("{what}:\n\n{block}")
        }
        Err(Unusable::Nothing) => {
            format!(
                "{file} is not there, and nothing else says which endpoint to use\n  `respair config init` writes it\n"
            )
        }
        Err(Unusable::Problems(problems)) => problems.iter().map(|p| format!("{p}\n")).collect(),
    };
    super::printed(term::print(&text)).max(USAGE)
}

/// What a turn or a conversation would miss beyond the endpoint, a line each: files that are named and not there, endpoints that
/// would stand in.
fn unmet(common: &Common, settings: &Settings, env: &Env) -> String {
    let mut wrong = String::new();
    if let Err(error) = Client::new(run::endpoint(settings), ClientOptions::default()) {
        wrong.push_str(&format!("{}\n", term::one_line(&error.to_string())));
    }
    if let Err(why) = agent::instructions::own(&settings.agent, settings.file.as_deref(), env) {
        wrong.push_str(&format!("{why}\n"));
    }
    let fallbacks = settings.agent.fallback.as_ref();
    for at in 0..fallbacks.map_or(0, |list| list.value.len()) {
        let model = settings.options.model.as_ref();
        match config::fallback(common.config.as_deref(), at, model, env) {
            Ok(_) => {}
            Err(problems) => wrong.extend(problems.iter().map(|problem| format!("{problem}\n"))),
        }
    }
    wrong
}

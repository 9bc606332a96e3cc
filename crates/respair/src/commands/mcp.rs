//! `respair mcp list|test`: the servers whose tools a conversation may use.

use respair_agent::mcp::{self, Met};
use serde_json::json;
use tokio::task::JoinSet;

use crate::agent::{servers, tools, working_directory};
use crate::args::{self, Common};
use crate::config::{self, McpServer, Reach};
use crate::paths::Env;
use crate::{USAGE, commands, run, term};

/// Runs it.
pub(crate) fn command(common: &Common, what: &args::Mcp) -> u8 {
    let env = Env::Process;
    // No endpoint is asked: the configuration of one may be missing.
    let loaded = config::load(common.config.as_deref(), &common.flags(), &env);
    let headlines = loaded.problems.iter().map(|problem| problem.headline());
    let wrong: Vec<_> = headlines
        .filter(|line| line.contains("mcp_servers"))
        .collect();
    if !wrong.is_empty() {
        wrong
            .iter()
            .for_each(|line| term::error(&term::one_line(line)));
        return USAGE;
    }
    let agent = loaded.agent.clone();
    let configured = agent
        .servers
        .map(|servers| servers.value)
        .unwrap_or_default();
    let mut wanted: Vec<&McpServer> = configured.iter().collect();
    if let args::Mcp::Test { name: Some(name) } = what {
        wanted.retain(|server| server.name == *name);
        if wanted.is_empty() {
            let names: Vec<_> = configured
                .iter()
                .map(|server| server.name.as_str())
                .collect();
            term::error(&format!(
                "no MCP server is called `{}`",
                term::one_line(name)
            ));
            match config::closest(name, names.iter().copied()) {
                Some(near) => term::help(&format!("did you mean `{near}`?")),
                None if names.is_empty() => {
                    term::help("`mcp_servers` in the configuration names them")
                }
                None => term::help(&format!("there are: {}", names.join(", "))),
            }
            return USAGE;
        }
    }
    if wanted.is_empty() {
        if !common.quiet && !common.json {
            term::notice(
                "no MCP server is configured; `mcp_servers` in the configuration names them",
            );
        }
        return match common.json {
            true => commands::printed(term::print("[]\n")),
            false => 0,
        };
    }
    match what {
        args::Mcp::List => list(common, &wanted),
        args::Mcp::Test { name } => {
            // One that is named is meant, also when it is switched off.
            wanted.retain(|server| server.enabled || name.is_some());
            test(common, &wanted, &agent.key_variables)
        }
    }
}

fn list(common: &Common, servers: &[&McpServer]) -> u8 {
    let mut text = String::new();
    let mut rows = Vec::new();
    for server in servers {
        // As it is written: what `${NAME}` stands for may be a key.
        let shown = server.shown();
        let said = |key: &str| shown[key].as_str().map(str::to_owned);
        let (kind, place) = match &server.reach {
            Reach::Command { .. } => {
                let args = shown["args"].as_array().into_iter().flatten();
                let args = args.filter_map(|arg| Some(arg.as_str()?.to_owned()));
                let words: Vec<_> = said("command").into_iter().chain(args).collect();
                ("process", words.join(" "))
            }
            Reach::Url { .. } => ("http", said("url").unwrap_or_default()),
        };
        let off = if server.enabled { "" } else { " (off)" };
        let line = format!("{}{off}  {kind}  {place}", server.name);
        text.push_str(&term::one_line(&line));
        text.push('\n');
        rows.push(
            json!({"name": server.name, "enabled": server.enabled, "kind": kind, "reach": place}),
        );
    }
    commands::printed(term::print(&match common.json {
        true => format!("{}\n", json!(rows)),
        false => text,
    }))
}

fn test(common: &Common, wanted: &[&McpServer], keys: &[String]) -> u8 {
    let cwd = match working_directory() {
        Ok(cwd) => cwd,
        Err(code) => return code,
    };
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let wanted = wanted
        .iter()
        .map(|server| servers::server(server, &cwd, keys));
    let wanted: Vec<_> = wanted.collect();
    tools::guard_ourselves();
    let tested = runtime.block_on(async {
        // Before the first process of ours.
        let mut signals = run::heard(run::Signals::with_processes())?;
        let tested = async {
            match common.json {
                true => as_json(wanted).await,
                false => one_by_one(wanted).await,
            }
        };
        tokio::select! {
            biased;
            () = signals.next() => Err(run::INTERRUPTED),
            tested = tested => Ok(tested),
        }
    });
    runtime.shutdown_background();
    let (missing, printed) = match tested {
        Ok(tested) => tested,
        Err(code) => return code,
    };
    match commands::printed(printed) {
        0 => u8::from(missing),
        code => code,
    }
}

/// All of them in their order, when the last is known.
async fn as_json(wanted: Vec<mcp::McpServer>) -> (bool, std::io::Result<()>) {
    let connected = mcp::connect(wanted).await;
    let rows = connected.servers.iter().map(|met| {
        json!({"name": met.name, "title": met.title, "missing": met.missing,
            "tools": met.tools, "problems": met.problems, "stderr": met.stderr})
    });
    let rows = json!(rows.collect::<Vec<_>>());
    let missing = connected.servers.iter().any(|met| met.missing);
    (missing, term::print(&format!("{rows}\n")))
}

/// Each as soon as it is known: one that is silent keeps nobody waiting for the others.
async fn one_by_one(wanted: Vec<mcp::McpServer>) -> (bool, std::io::Result<()>) {
    let mut under_way = JoinSet::new();
    for server in wanted {
        under_way.spawn(mcp::connect(vec![server]));
    }
    let mut missing = false;
    while let Some(connected) = under_way.join_next().await {
        // One that panics has said so.
        let Ok(connected) = connected else {
            missing = true;
            continue;
        };
        for met in &connected.servers {
            missing |= met.missing;
            if let Err(error) = show(met) {
                return (missing, Err(error));
            }
        }
    }
    (missing, Ok(()))
}

fn show(met: &Met) -> std::io::Result<()> {
    let mut text = term::one_line(&match met.missing {
        true => met.name.clone(),
        false => {
            let tools = term::counted(met.tools.len(), "tool");
            format!("{}  {}  {tools}", met.name, met.title)
        }
    });
    text.push('\n');
    for tool in &met.tools {
        text.push_str(&format!("  {tool}\n"));
    }
    term::print(&text)?;
    for problem in &met.problems {
        term::warning(&term::one_line(problem));
    }
    if met.missing && !met.stderr.is_empty() {
        term::help("the end of its standard error:");
        for line in met.stderr.lines() {
            term::plain(&format!("  {}", term::one_line(line)));
        }
    }
    Ok(())
}

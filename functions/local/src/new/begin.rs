//! What `assay new` does with what was typed.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use assay_engine::bundle::RunsAt;
use assay_engine::expr::Programs;
use assay_host::Environment;
use clap::Parser as _;

use super::ask::{Asker, Given, base_url, name, request, status};
use super::made::Made;
use super::names::slug;
use super::openapi::{Document, flows};
use super::place::{NewFile, present, refuse_present, write};
use super::plain::{First, MORE, flow};
use super::source::{Source, source};
use crate::args::{Command, CommandLine, NewArgs};
use crate::error::CommandError;
use crate::load::{Texts, load_all};
use crate::out::Out;

/// So many files are named one by one.
const NAMED: usize = 12;

/// Makes a flow, or several, and says what to do with them.
pub(crate) fn begin(args: NewArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let args = reread(args)?;
    match args.from.clone() {
        Some(from) => match source(&from, &args.words)? {
            Source::Curl(text) => from_curl(&text, &args, environment, out),
            Source::Document(name, bytes) => from_document(&name, &bytes, &args, environment, out),
        },
        None => from_answers(&args, environment, out),
    }
}

/// Behind a name, or a whole command in quotes, our own options may stand; and `assay new curl ...` says what it is made
/// from.
fn reread(args: NewArgs) -> Result<NewArgs, CommandError> {
    let Some(first) = args.words.first() else { return Ok(args) };
    if args.from.is_none() && first == "curl" {
        return Ok(NewArgs { from: Some("curl".to_owned()), ..args });
    }
    let ours = match args.from.as_deref() {
        None => !first.starts_with('-'),
        Some("curl") => first.contains(char::is_whitespace),
        Some(_) => false,
    };
    if args.words.len() < 2 || !ours {
        return Ok(args);
    }
    let typed = ["assay", "new"].map(str::to_owned).into_iter().chain(args.words[1..].iter().cloned());
    let line = CommandLine::try_parse_from(typed).map_err(|error| {
        let text = error.render().to_string();
        CommandError::wrong(text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })?;
    let Command::New(more) = line.command else { return Ok(args) };
    if let Some(word) = more.words.first() {
        return Err(CommandError::wrong(format!("what is `{word}` for? `assay help new` has examples")));
    }
    Ok(NewArgs {
        from: more.from.or(args.from),
        to: more.to.or(args.to),
        name: more.name.or(args.name),
        base_url: more.base_url.or(args.base_url),
        request: more.request.or(args.request),
        status: more.status.or(args.status),
        force: args.force || more.force,
        yes: args.yes || more.yes,
        words: vec![first.clone()],
    })
}

fn from_curl(text: &str, args: &NewArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    unneeded(args, &[("--base-url", args.base_url.is_some()), ("--request", args.request.is_some())])?;
    let mut made = super::curl::flow(text).map_err(|why| CommandError::wrong(format!("the curl command: {why}")))?;
    if let Some(given) = &args.name {
        made.flow.name = name(given).map_err(CommandError::wrong)?;
        made.file = format!("{}.yaml", slug(given, "request"));
    }
    let path = destination(args.to.as_deref(), &made.file);
    let mut files = vec![NewFile::text(&path, made.flow.render())];
    let missing = beside(&mut made, &path, &mut files);
    if !allowed(&files, args, out)? {
        return Ok(2);
    }
    write(&files)?;
    left_out(&made.left_out, out);
    for (secret, what) in &made.flow.secrets {
        out.note(&format!("secret {secret} ({what}): its value is not in the file, give it with --secret {secret}\n"));
    }
    tell(&files, &made.flow.secrets.keys().cloned().collect::<Vec<_>>(), &path, out);
    // What names a file that is not there yet has that one problem, which was told.
    if missing { Ok(0) } else { checked(&[path], environment, out) }
}

/// Files that the command sends must lie beside the flow; answers whether one is missing.
fn beside(made: &mut Made, flow: &Path, files: &mut Vec<NewFile>) -> bool {
    let mut missing = false;
    let folder = flow.parent().unwrap_or(Path::new(""));
    for named in std::mem::take(&mut made.beside) {
        let last = named.rsplit(['/', '\\']).next().unwrap_or(&named);
        let target = folder.join(last);
        if target.is_file() {
            continue;
        }
        match crate::load::read(Path::new(&named), 16 * 1024 * 1024) {
            Ok(bytes) => files.push(NewFile { path: target, bytes }),
            Err(_) => {
                missing = true;
                made.left_out.push(format!("the file {named}: put it beside the flow as {last}"));
            }
        }
    }
    missing
}

fn from_document(
    shown: &str,
    bytes: &[u8],
    args: &NewArgs,
    environment: &Environment,
    out: &Out,
) -> Result<u8, CommandError> {
    let given = [
        ("--base-url", args.base_url.is_some()),
        ("--request", args.request.is_some()),
        ("--name", args.name.is_some()),
    ];
    unneeded(args, &given)?;
    let document = Document::read(shown, bytes).map_err(CommandError::wrong)?;
    let made = flows(&document).map_err(CommandError::wrong)?;
    let folder = match &args.to {
        Some(to) if to.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") => {
            let hint = "a document becomes several files: --to names their folder";
            return Err(CommandError::wrong(hint));
        }
        Some(to) => to.clone(),
        None => home(&made.folder),
    };
    let of = |(name, text): &(String, String)| NewFile::text(folder.join(name), text.clone());
    let files: Vec<NewFile> = made.flows.iter().chain(&made.schemas).map(of).collect();
    if !allowed(&files, args, out)? {
        return Ok(2);
    }
    write(&files)?;
    left_out(&made.left_out, out);
    let flows: Vec<PathBuf> = made.flows.iter().map(|(name, _)| folder.join(name)).collect();
    let shown = if made.flows.len() == 1 { "1 flow".to_owned() } else { format!("{} flows", made.flows.len()) };
    let about = format!("{} operations became {shown}", made.operations);
    out.note(&format!("{about}, with {} schemas beside them\n", made.schemas.len()));
    tell(&files, &[], &folder, out);
    checked(&flows, environment, out)
}

fn from_answers(args: &NewArgs, environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let (word, to) = named(args)?;
    let wrong = |option: &'static str| move |why: String| CommandError::wrong(format!("{option}: {why}"));
    let given = Given {
        name: args.name.as_deref().or(word.as_deref()).map(name).transpose().map_err(wrong("--name"))?,
        base_url: args.base_url.as_deref().map(base_url).transpose().map_err(wrong("--base-url"))?,
        request: args.request.as_deref().map(request).transpose().map_err(wrong("--request"))?,
        status: args.status.as_deref().map(status).transpose().map_err(wrong("--status"))?,
    };
    let ask = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let (first, path) = if ask { asked(given, to, out)? } else { told(given, to)? };
    let files = [NewFile::text(&path, format!("{}{MORE}", flow(&first).render()))];
    if !allowed(&files, args, out)? {
        return Ok(2);
    }
    write(&files)?;
    tell(&files, &[], &path, out);
    checked(&[path], environment, out)
}

/// The lone word behind `new`: what the flow is called, or the file that it goes to.
fn named(args: &NewArgs) -> Result<(Option<String>, Option<PathBuf>), CommandError> {
    match args.words.as_slice() {
        [] => Ok((None, args.to.clone())),
        [word, ..] if word.starts_with('-') => {
            Err(CommandError::wrong(format!("there is no option `{word}`; `assay help new` lists them")))
        }
        [word] if word.starts_with("http://") || word.starts_with("https://") => {
            Err(CommandError::wrong(format!("to begin with an address: assay new --base-url {word}")))
        }
        [word] if word.ends_with(".json") || (Path::new(word).is_file() && args.to.is_none()) => {
            Err(CommandError::wrong(format!("to translate a document: assay new --from {word}")))
        }
        [word] if word.ends_with(".yaml") || word.ends_with(".yml") => {
            let stem = Path::new(word).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            Ok((stem, Some(args.to.clone().unwrap_or_else(|| word.into()))))
        }
        [word] => Ok((Some(word.clone()), args.to.clone())),
        [_, _, ..] => Err(CommandError::wrong("a flow has one name: put it in quotes when it has spaces")),
    }
}

fn asked(given: Given, to: Option<PathBuf>, out: &Out) -> Result<(First, PathBuf), CommandError> {
    let (mut stdin, mut stderr) = (std::io::stdin().lock(), std::io::stderr().lock());
    let mut asker = Asker { from: &mut stdin, to: &mut stderr, paint: out.error_paint() };
    let first = asker.first(given)?;
    let path = match to {
        Some(to) => destination(Some(&to), &format!("{}.yaml", slug(&first.name, "first"))),
        None => {
            let offered = destination(None, &format!("{}.yaml", slug(&first.name, "first")));
            let fits = |text: &str| match Path::new(text).extension().is_some_and(|e| e == "yaml" || e == "yml") {
                true => Ok(PathBuf::from(text)),
                false => Err("a file that ends in .yaml".to_owned()),
            };
            asker.ask("Which file?", &offered.display().to_string(), fits)?
        }
    };
    Ok((first, path))
}

/// Without questions, where the system is must be said; the rest has defaults.
fn told(given: Given, to: Option<PathBuf>) -> Result<(First, PathBuf), CommandError> {
    let Some(base_url) = given.base_url else {
        return Err(CommandError::wrong(
            "where the system is must be said: assay new NAME --base-url http://127.0.0.1:8080 (on a terminal, without \
             --yes, it is asked for)",
        ));
    };
    let (method, path) = given.request.unwrap_or(("GET".to_owned(), "/".to_owned()));
    let name = given.name.unwrap_or_else(|| "first".to_owned());
    let first = First { name, base_url, method, path, status: given.status.unwrap_or(200) };
    let path = destination(to.as_deref(), &format!("{}.yaml", slug(&first.name, "first")));
    Ok((first, path))
}

/// Where a file goes: what was asked for, else the folder `flows` if it is there, else here.
fn destination(to: Option<&Path>, file: &str) -> PathBuf {
    match to {
        Some(to) if to.is_dir() || to.extension().is_none() => to.join(file),
        Some(to) => to.to_owned(),
        None => home(file),
    }
}

fn home(name: &str) -> PathBuf {
    let flows = Path::new("flows");
    if flows.is_dir() { flows.join(name) } else { PathBuf::from(name) }
}

fn unneeded(args: &NewArgs, options: &[(&str, bool)]) -> Result<(), CommandError> {
    let all = options.iter().copied().chain([("--status", args.status.is_some())]);
    match all.into_iter().find(|(_, given)| *given) {
        Some((option, _)) => {
            Err(CommandError::wrong(format!("{option} does not go with --from, which says it already")))
        }
        None => Ok(()),
    }
}

/// Whether the files may be written: what is there is written over only when that was said.
fn allowed(files: &[NewFile], args: &NewArgs, out: &Out) -> Result<bool, CommandError> {
    let there = present(files);
    if args.force || there.is_empty() {
        return Ok(true);
    }
    if args.yes || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return refuse_present(files).map(|()| true);
    }
    let names: Vec<String> = there.iter().take(3).map(|path| path.display().to_string()).collect();
    let more = if there.len() > 3 { format!(" and {} more", there.len() - 3) } else { String::new() };
    let (mut stdin, mut stderr) = (std::io::stdin().lock(), std::io::stderr().lock());
    let mut asker = Asker { from: &mut stdin, to: &mut stderr, paint: out.error_paint() };
    let agreed = asker.agree(&format!("{}{more} is there already. Write over it?", names.join(", ")))?;
    drop((stdin, stderr));
    if !agreed {
        out.note("nothing was written\n");
    }
    Ok(agreed)
}

fn left_out(what: &[String], out: &Out) {
    if what.is_empty() {
        return;
    }
    out.note(&format!("{}\n", out.error_paint().bold("not translated:")));
    what.iter().for_each(|one| out.note(&format!("  {one}\n")));
}

fn tell(files: &[NewFile], secrets: &[String], run: &Path, out: &Out) {
    for file in files.iter().take(NAMED) {
        out.print(&format!("wrote {}\n", file.path.display()));
    }
    if files.len() > NAMED {
        out.print(&format!("wrote {} more\n", files.len() - NAMED));
    }
    let secrets: String = secrets.iter().map(|name| format!(" --secret {name}")).collect();
    out.note(&format!("next: assay run {}{secrets}\n", run.display()));
}

/// What was written must be right: anything else is said at once.
fn checked(flows: &[PathBuf], environment: &Environment, out: &Out) -> Result<u8, CommandError> {
    let programs = Programs::default();
    let texts = Texts { programs: &programs, variables: environment, environment: None, runs_at: RunsAt::Laptop };
    load_all(flows, texts, out).map(|_| 0)
}

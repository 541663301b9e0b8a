//! What can be typed after `new`.

use std::path::PathBuf;

use clap::Args;

/// `assay new`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  assay new                                              asks a few questions
  assay new health --base-url http://127.0.0.1:8080 --request 'GET /health'
  assay new --from curl 'curl -X DELETE https://api.example.com/orders/7 -u ada:lovelace'
  pbpaste | assay new --from curl                        what a browser gave as \"Copy as cURL\"
  assay new --from openapi.yaml --to flows/shop          a flow for each resource, and schemas

Nothing is written over without --force or a yes. Passwords and tokens of a curl command become
secrets of the flow; their values are in no file. What could not be translated is listed. Nothing
is fetched: neither documents nor what they refer to. Exit codes: 0 written, 2 not.")]
pub(crate) struct NewArgs {
    /// What the flow is called, or its file; behind `--from curl`, the command
    #[arg(value_name = "NAME", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
    /// What to begin with: `curl`, or a file with curl commands or an OpenAPI document (3.0, 3.1; JSON or YAML)
    ///
    /// `-` is standard input.
    #[arg(long, value_name = "curl|FILE")]
    pub(crate) from: Option<String>,
    /// File or folder to write to [default: the folder `flows` if there is one, else here]
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<PathBuf>,
    /// What the flow is called
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where the system is
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The first request [default: GET /]
    #[arg(long, value_name = "METHOD PATH")]
    pub(crate) request: Option<String>,
    /// The status that must come back [default: 200]
    #[arg(long, value_name = "CODE")]
    pub(crate) status: Option<String>,
    /// Write over what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Ask nothing
    #[arg(long)]
    pub(crate) yes: bool,
}

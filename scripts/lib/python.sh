# Sourced: Python programs of others, each in an environment of its own in the cache, brought when first needed.

python_tools() { # NAME PACKAGE==VERSION...
  local folder=$ASSAY_CACHE/python/$1-$(printf '%s\n' "${@:2}" | sha256sum | cut -c1-12)
  if [ ! -x "$folder/ready" ]; then
    echo "bringing ${*:2} once, into $ASSAY_CACHE/python" >&2
    mkdir -p "$ASSAY_CACHE/python"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/python" -m pip install -q --disable-pip-version-check "${@:2}" >&2
    install -m 755 /dev/null "$folder/ready"
  fi
  echo "$folder/bin"
}

AWSCLI="awscli==1.45.11"
CFN_LINT="cfn-lint==1.51.0"
CARGO_LAMBDA="cargo-lambda==1.9.2"
SAM="aws-sam-cli==1.170.0"

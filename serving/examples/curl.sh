#!/usr/bin/env bash
# Calls a server with curl: serving/examples/curl.sh http://localhost:8501 photo.jpg painted.jpg
# With an API key, add: -H "Authorization: Bearer $KEY"
set -euo pipefail
server=$1 photo=$2 painted=$3

# What serves, with the names of the paintings that the style network knows.
curl --silent --show-error --fail-with-body "$server/easel/v1/models"
echo

# The convenience calls take files as they are, in any common format; the stable version answers.
curl --silent --show-error --fail-with-body --form "image=@$photo" "$server/easel/v1/classify"
echo
style=$(curl --silent "$server/easel/v1/models" | sed 's/.*"styles":\["\([^"]*\)".*/\1/')
curl --silent --show-error --fail-with-body --form "content=@$photo" --form "style_name=$style" --form strength=0.8 \
    "$server/easel/v1/stylize" --output "$painted"

# The same server speaks TensorFlow Serving's REST API: any version or label, any signature, batches.
model=$(curl --silent "$server/easel/v1/models" | tr '{' '\n' | sed -n 's/.*"model":"\([^"]*\)","kind":"classifier".*/\1/p')
printf '{"instances": [{"b64": "%s"}]}' "$(base64 -w0 "$photo")" |
    curl --silent --show-error --fail-with-body --data @- "$server/v1/models/$model/labels/stable:predict"
echo

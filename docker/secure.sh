# shellcheck shell=bash
# Sourced by build.sh for --secure: an authority, a certificate for each node, an API key and a secret, made anew for each
# cluster. To try it out: the authority's key lies beside what it signs, which a real one's must not.

SECURE_DIR=$RUN_DIR/secure

make_secure() {
  local i
  say 'Making certificates, an API key and a secret ...'
  rm -rf "$SECURE_DIR"
  # In the background, because errors do not end a list whose outcome is looked at.
  (
    umask 077
    mkdir -p "$SECURE_DIR"
    cd "$SECURE_DIR"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 365 -subj '/CN=kv throw-away authority' \
      -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' -keyout ca.key -out ca.pem
    openssl rand -hex 32 >secret
    printf 'kv_%s' "$(openssl rand -hex 32)" >admin.key
    for ((i = 1; i <= nodes; i++)); do make_node "$i"; done
  ) >"$BUILD_LOG" 2>&1 &
  wait $! || {
    tail -n 20 "$BUILD_LOG" >&2
    die 'the certificates could not be made (see above)'
  }
  KV_CLUSTER_SECRET=$(cat "$SECURE_DIR/secret")
  export KV_CLUSTER_SECRET
  credentials=(--cacert "$SECURE_DIR/ca.pem" --header "Authorization: Bearer $(cat "$SECURE_DIR/admin.key")")
}

# make_node I: nodeI/ holds all that the node needs, and nothing else. Readable by all, in a directory that is not: in a container the node is another user.
make_node() {
  local dir=node$1 host
  host=$(address "$1")
  mkdir "$dir"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "/CN=node$1" -keyout "$dir/node.key" -out "$dir/node.csr"
  openssl x509 -req -in "$dir/node.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -out "$dir/node.pem" \
    -extfile <(printf 'subjectAltName=DNS:node%s,DNS:localhost,IP:127.0.0.1,IP:%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$1" "${host%:*}")
  rm "$dir/node.csr"
  cp ca.pem "$dir/ca.pem"
  printf 'admin admin sha256:%s\n' "$(openssl dgst -sha256 -r <admin.key | cut -d ' ' -f 1)" >"$dir/keys"
  chmod -R a+rX "$dir"
}

# secure_settings DIRECTORY: NAME=value of each setting, for a node that has its files there.
secure_settings() {
  printf '%s\n' "Tls__CertificateFile=$1/node.pem" "Tls__KeyFile=$1/node.key" "Tls__PeerCertificateFile=$1/node.pem" \
    "Tls__PeerKeyFile=$1/node.key" "Tls__PeerCaFile=$1/ca.pem" "KV_API_KEYS_FILE=$1/keys"
}

#!/bin/sh
# Makes the front-proxy CA and client certificate with which kube-apiserver shows itself to metrics-server and other aggregated
# API servers: front-proxy-certificates.sh FOLDER [DAYS]
# For clusters set up by hand; kubeadm has made them already, in /etc/kubernetes/pki. An existing CA in the folder is kept.
set -eu
umask 077

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: $0 FOLDER [DAYS]" >&2
    exit 2
fi
folder=$1 days=${2:-365}
case $days in ''|*[!0-9]*) echo "$0: DAYS must be a whole number, not '$days'" >&2; exit 2 ;; esac
command -v openssl >/dev/null || { echo "$0: openssl is not installed" >&2; exit 1; }
mkdir -p "$folder"
cd "$folder"

# A CA of its own. Were it the clients' CA, every client certificate of the cluster could claim to be anybody.
if [ ! -e front-proxy-ca.key ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj /CN=front-proxy-ca \
        -addext 'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign' \
        -keyout front-proxy-ca.key -out front-proxy-ca.crt 2>/dev/null
fi

# The common name is what --requestheader-allowed-names lists.
openssl req -new -newkey rsa:2048 -nodes -sha256 -subj /CN=front-proxy-client \
    -keyout front-proxy-client.key -out front-proxy-client.csr 2>/dev/null
extensions=$(mktemp)
trap 'rm -f "$extensions"' EXIT
cat >"$extensions" <<'END'
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=clientAuth
END
openssl x509 -req -sha256 -in front-proxy-client.csr -CA front-proxy-ca.crt -CAkey front-proxy-ca.key -CAcreateserial \
    -days "$days" -extfile "$extensions" -out front-proxy-client.crt 2>/dev/null
rm -f front-proxy-client.csr
openssl verify -purpose sslclient -CAfile front-proxy-ca.crt front-proxy-client.crt >/dev/null

pwd=$(pwd)
cat <<END
Made in $pwd. The flags of kube-apiserver:
  --requestheader-client-ca-file=$pwd/front-proxy-ca.crt
  --requestheader-allowed-names=front-proxy-client
  --requestheader-extra-headers-prefix=X-Remote-Extra-
  --requestheader-group-headers=X-Remote-Group
  --requestheader-username-headers=X-Remote-User
  --proxy-client-cert-file=$pwd/front-proxy-client.crt
  --proxy-client-key-file=$pwd/front-proxy-client.key
  --enable-aggregator-routing=true
END

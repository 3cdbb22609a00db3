#!/bin/sh
# Tells which piece is missing when `kubectl top node` fails. Looks only, changes nothing; asks the
# cluster that kubectl asks ($KUBECONFIG). The exit status is 0 if all is well, 1 if a piece is missing.
set -u
api=v1beta1.metrics.k8s.io
flags_page=docs/metrics-server.md
k() { kubectl --request-timeout=20s "$@" 2>/dev/null; }

ok() { echo "ok       $1"; }
missing() { echo "MISSING  $1"; echo "         $2"; exit 1; }
# JSON is read with kubectl's own jsonpath: nothing else has to be installed.

k version >/dev/null || missing "the API server does not answer" "Is KUBECONFIG right? Try: kubectl version"
ok "the API server answers"

name=$(k get apiservice $api -o 'jsonpath={.spec.service.namespace}/{.spec.service.name}')
case $name in
*/?*) ok "the API metrics.k8s.io is handed on to the Service $name" ;;
*) missing "the APIService $api" "Nothing tells the API server to hand metrics.k8s.io on. Apply manifests/metrics-server." ;;
esac
namespace=${name%%/*} service=${name##*/}

k -n "$namespace" get deployment metrics-server -o name >/dev/null ||
    missing "the Deployment $namespace/metrics-server" "Apply manifests/metrics-server."
ready=$(k -n "$namespace" get deployment metrics-server -o 'jsonpath={.status.readyReplicas}')
if [ "${ready:-0}" -lt 1 ]; then
    why=$(k -n "$namespace" get pods -l app.kubernetes.io/name=metrics-server \
        -o 'jsonpath={range .items[*]}{.status.phase} {.status.containerStatuses[*].state.waiting.reason} {.status.conditions[?(@.type=="PodScheduled")].message}{end}')
    missing "a ready pod of metrics-server (found: ${why:-no pod at all})" \
        "Running is not ready: it becomes ready once it has figures of a node. Look at: kubectl -n $namespace logs deployment/metrics-server
         x509 in there: the kubelets' certificates are not signed by the cluster's CA ($flags_page, Kubelets).
         'address already in use': another program has port 4443 on that node.
         403 Forbidden: the ClusterRole system:metrics-server or its binding is gone."
fi
ok "metrics-server has a ready pod"

addresses=$(k -n "$namespace" get endpointslices -l "kubernetes.io/service-name=$service" -o 'jsonpath={.items[*].endpoints[*].addresses[*]}')
[ -n "$addresses" ] || missing "endpoints of the Service $name" \
    "Its selector matches no ready pod: kubectl -n $namespace get service $service -o yaml; kubectl -n $namespace get pods --show-labels"
ok "the Service $name has endpoints: $addresses"

# What kube-apiserver was told about the front proxy, it publishes in this ConfigMap for those who have to believe it.
config() { k -n kube-system get configmap extension-apiserver-authentication -o "jsonpath={.data.$1}"; }
[ -n "$(config requestheader-client-ca-file)" ] || missing "the front-proxy CA" \
    "kube-apiserver runs without --requestheader-client-ca-file, so metrics-server cannot know whom to believe: $flags_page, The aggregation layer."
names=$(config requestheader-allowed-names)
case $names in
''|'[]') ok "any certificate of the front-proxy CA is believed (--requestheader-allowed-names is empty)" ;;
*) ok "the front-proxy CA is published; names believed: $names" ;;
esac
for header in username group extra-headers-prefix; do
    case $header in extra-headers-prefix) key=requestheader-extra-headers-prefix ;; *) key=requestheader-$header-headers ;; esac
    value=$(config $key)
    case $value in ''|'[]') missing "the flag --$key of kube-apiserver" "$flags_page, The aggregation layer." ;; esac
done
ok "the headers that carry the user are named"

# With kubeadm kube-apiserver is a pod and its flags can be read.
flags=$(k -n kube-system get pods -l component=kube-apiserver -o 'jsonpath={.items[0].spec.containers[0].command}')
if [ -n "$flags" ]; then
    for flag in proxy-client-cert-file proxy-client-key-file; do
        case $flags in *"--$flag="*) ;; *)
            missing "the flag --$flag of kube-apiserver" "It cannot show metrics-server that a request is its own: $flags_page, The aggregation layer." ;;
        esac
    done
    case $flags in
    *--enable-aggregator-routing=true*) ok "kube-apiserver has a client certificate and asks endpoints directly" ;;
    *) ok "kube-apiserver has a client certificate; it asks by the cluster IP, so its node needs kube-proxy (or --enable-aggregator-routing=true)" ;;
    esac
else
    echo "?        kube-apiserver is no pod here: its flags --proxy-client-cert-file and --proxy-client-key-file cannot be seen"
fi

k get rolebinding -n kube-system metrics-server-auth-reader -o name >/dev/null || missing "the RoleBinding kube-system/metrics-server-auth-reader" \
    "Without it metrics-server cannot read the front-proxy CA and answers 401. Apply manifests/metrics-server."
k get clusterrolebinding metrics-server:system:auth-delegator -o name >/dev/null || missing "the ClusterRoleBinding metrics-server:system:auth-delegator" \
    "Without it metrics-server cannot ask whether you may see figures, and answers 403. Apply manifests/metrics-server."
ok "metrics-server may check who asks"

available=$(k get apiservice $api -o 'jsonpath={.status.conditions[?(@.type=="Available")].status} {.status.conditions[?(@.type=="Available")].reason}: {.status.conditions[?(@.type=="Available")].message}')
case $available in
True*) ok "the API server reaches metrics-server" ;;
*Unauthorized*|*" 401"*|*forbidden*|*" 403"*)
    missing "metrics-server's belief in the API server ($available)" \
        "The front-proxy client certificate is not signed by --requestheader-client-ca-file, has run out, or its common name is not in
         --requestheader-allowed-names ($names). Compare: openssl x509 -noout -subject -issuer -enddate -in front-proxy-client.crt" ;;
*timeout*|*"deadline exceeded"*|*"no route"*|*refused*|*"connection reset"*)
    missing "the way from the API server to metrics-server ($available)" \
        "From the API server's node, try: curl -k https://ADDRESS:4443/livez with each of: $addresses
         If that works but this does not, the API server uses the cluster IP and has no kube-proxy beside it: --enable-aggregator-routing=true." ;;
*) missing "the API metrics.k8s.io ($available)" "kubectl get apiservice $api -o yaml" ;;
esac

nodes=$(k get nodes -o 'jsonpath={.items[*].metadata.name}')
measured=$(k get --raw /apis/metrics.k8s.io/v1beta1/nodes) ||
    missing "figures of the nodes" "metrics-server is reached but gives none: kubectl -n $namespace logs deployment/metrics-server"
for node in $nodes; do
    case $measured in *"\"name\":\"$node\""*) ;; *)
        missing "figures of node $node" \
            "metrics-server cannot scrape its kubelet: kubectl -n $namespace logs deployment/metrics-server | grep $node
         x509: $flags_page, Kubelets. Timeout: port 10250 of the node is closed to metrics-server's node." ;;
    esac
done
ok "figures of every node: kubectl top node works"

#!/bin/sh
# Makes what manifests/kubernetes-1.20 derives from the manifests beside it. The folders' kustomizations are rendered into files, because
# the kustomize inside kubectl 1.20 (2.0.3) knows neither patches with a target nor folders under resources.
set -eu
cd "$(dirname "$0")/.."
out=manifests/kubernetes-1.20
{
    echo '# Made by `make manifests` from manifests/monitoring/prometheus/prometheus.yml, with Endpoints in place of EndpointSlices.'
    sed -e 's/role: endpointslice$/role: endpoints/' -e 's/__meta_kubernetes_endpointslice_port_name/__meta_kubernetes_endpoint_port_name/' \
        manifests/monitoring/prometheus/prometheus.yml
} >$out/monitoring/prometheus.yml
for part in ingress-nginx metrics-server monitoring; do
    {
        echo "# Made by \`make manifests\` from manifests/kubernetes-1.20/$part: change that."
        kubectl kustomize $out/$part
    } >$out/$part.yaml
done

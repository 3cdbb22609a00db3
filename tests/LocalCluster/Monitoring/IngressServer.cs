using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;

namespace LoadBalancer.LocalCluster.Monitoring;

/// <summary>
/// Plays ingress-nginx's controller, which Debian does not have: makes nginx's server block of the Ingress objects of a class. Rules with
/// a path of type Prefix and a Service as backend, without host or TLS.
/// </summary>
public static class IngressServer
{
    /// <summary>The server block, with the controller's health check on its own port.</summary>
    /// <param name="api">The API.</param>
    /// <param name="ingressClass">The class served.</param>
    public static async Task<string> ConfigurationAsync(KubeApi api, string ingressClass)
    {
        var locations = new StringBuilder();
        foreach (JsonObject ingress in (await api.GetAsync("/apis/networking.k8s.io/v1/ingresses")).Objects("items")
            .Where(ingress => ingress.Text("spec", "ingressClassName") == ingressClass))
        {
            foreach (JsonObject path in ingress.Objects("spec", "rules").SelectMany(rule => rule.Objects("http", "paths")))
            {
                string upstream = await UpstreamAsync(api, ingress.Text("metadata", "namespace"), path["backend"]!["service"]!);
                string prefix = path.Text("path").TrimEnd('/');

                // Prefix means whole elements: /springboot and /springboot/x, not /springbootx.
                locations.Append(System.Globalization.CultureInfo.InvariantCulture,
                    $"location = {prefix} {{ proxy_pass http://{upstream}; }}\nlocation {prefix}/ {{ proxy_pass http://{upstream}; }}\n");
            }
        }

        return
            $$"""
            server {
                listen 80;
                location / { return 404; }
                {{locations}}
            }
            server {
                listen 10254;
                location = /healthz { return 200; }
            }
            """;
    }

    private static async Task<string> UpstreamAsync(KubeApi api, string ns, JsonNode backend)
    {
        JsonObject service = await api.GetAsync($"/api/v1/namespaces/{ns}/services/{backend.Text("name")}");
        JsonObject port = service.Objects("spec", "ports").Single(candidate =>
            candidate.Text("name") == backend.Text("port", "name") || candidate.Number("port") == backend.Number("port", "number"));
        return $"{service.Text("spec", "clusterIP")}:{port.Number("port")}";
    }
}

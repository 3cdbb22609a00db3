using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;

namespace LoadBalancer.LocalCluster.Monitoring;

/// <summary>
/// Plays kube-state-metrics, which Debian does not have: those of its series that the dashboards and alerts use, under their stable
/// names, from the API server's objects (its documentation lists names and labels).
/// </summary>
/// <param name="api">The API with the rights of kube-state-metrics' service account.</param>
public sealed class StateMetrics(KubeApi api)
{
    private static readonly string[] Phases = ["Pending", "Succeeded", "Failed", "Running", "Unknown"];
    private static readonly string[] Statuses = ["true", "false", "unknown"];

    /// <summary>All series now, in the Prometheus text format.</summary>
    public async Task<string> RenderAsync()
    {
        var text = new StringBuilder();
        foreach (JsonObject node in (await api.GetAsync("/api/v1/nodes")).Objects("items"))
        {
            Append(text, "kube_node_info", 1, ("node", Name(node)));
            foreach (JsonObject condition in node.Objects("status", "conditions"))
            {
                foreach (string status in Statuses)
                {
                    bool holds = condition.Text("status").Equals(status, StringComparison.OrdinalIgnoreCase);
                    Append(text, "kube_node_status_condition", holds ? 1 : 0, ("node", Name(node)), ("condition", condition.Text("type")), ("status", status));
                }
            }
        }

        foreach (JsonObject pod in (await api.GetAsync("/api/v1/pods")).Objects("items"))
        {
            Append(text, "kube_pod_info", 1, ("namespace", Namespace(pod)), ("pod", Name(pod)), ("node", pod.Text("spec", "nodeName")));
            foreach (string phase in Phases)
            {
                Append(text, "kube_pod_status_phase", pod.Text("status", "phase") == phase ? 1 : 0, ("namespace", Namespace(pod)), ("pod", Name(pod)), ("phase", phase));
            }
        }

        foreach (JsonObject service in (await api.GetAsync("/api/v1/services")).Objects("items"))
        {
            foreach (JsonObject ingress in service.Objects("status", "loadBalancer", "ingress"))
            {
                Append(text, "kube_service_status_load_balancer_ingress", 1,
                    ("namespace", Namespace(service)), ("service", Name(service)), ("ip", ingress.Text("ip")), ("hostname", ingress.Text("hostname")));
            }
        }

        foreach (JsonObject deployment in (await api.GetAsync("/apis/apps/v1/deployments")).Objects("items"))
        {
            Append(text, "kube_deployment_status_replicas_unavailable", deployment.Number("status", "unavailableReplicas") ?? 0,
                ("namespace", Namespace(deployment)), ("deployment", Name(deployment)));
        }

        return text.ToString();
    }

    private static string Name(JsonObject o) => o.Text("metadata", "name");

    private static string Namespace(JsonObject o) => o.Text("metadata", "namespace");

    private static void Append(StringBuilder text, string metric, long value, params (string Name, string Value)[] labels) => text.Append(
        CultureInfo.InvariantCulture, $"{metric}{{{string.Join(',', labels.Select(label => $"{label.Name}=\"{label.Value}\""))}}} {value}\n");
}

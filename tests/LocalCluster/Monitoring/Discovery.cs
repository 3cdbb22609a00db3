using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.Client;

namespace LoadBalancer.LocalCluster.Monitoring;

/// <summary>
/// Plays Prometheus' Kubernetes service discovery: targets with the meta labels that the role's documentation lists
/// (prometheus.io, Configuration, kubernetes_sd_config), from the objects of the API server.
/// </summary>
/// <param name="api">The API with the rights of Prometheus' service account: what its role does not grant is not discovered.</param>
public sealed class Discovery(KubeApi api)
{
    /// <summary>The roles it plays.</summary>
    public static IReadOnlyList<string> Roles { get; } = ["node", "pod", "endpointslice"];

    /// <summary>Writes the file of each request, whole or not at all.</summary>
    public async Task WriteAsync(IEnumerable<DiscoveryRequest> requests, string folder)
    {
        foreach (DiscoveryRequest request in requests)
        {
            string path = Path.Combine(folder, request.FileName);
            await File.WriteAllTextAsync(path + ".new", (await TargetsAsync(request)).ToJsonString());
            File.Move(path + ".new", path, overwrite: true);
        }
    }

    /// <summary>The target groups of one request.</summary>
    public async Task<JsonArray> TargetsAsync(DiscoveryRequest request)
    {
        if (request.Role == "node")
        {
            return [.. (await ListAsync("/api/v1", "", "nodes")).Select(node => NodeGroup(node))];
        }

        var groups = new JsonArray();
        foreach (string ns in request.Namespaces.Split(','))
        {
            JsonObject[] pods = await ListAsync("/api/v1", ns, "pods");
            IEnumerable<JsonNode> found = request.Role == "pod"
                ? pods.SelectMany(PodGroups)
                : Endpoints(await ListAsync("/apis/discovery.k8s.io/v1", ns, "endpointslices"), await ListAsync("/api/v1", ns, "services"), pods);
            foreach (JsonNode group in found)
            {
                groups.Add(group);
            }
        }

        return groups;
    }

    private async Task<JsonObject[]> ListAsync(string root, string ns, string plural) =>
        [.. (await api.GetAsync($"{root}/{(ns.Length == 0 ? "" : $"namespaces/{ns}/")}{plural}")).Objects("items")];

    private static JsonObject NodeGroup(JsonObject node)
    {
        JsonObject labels = Described("node", node);
        labels["instance"] = node.Text("metadata", "name");
        string address = node.Objects("status", "addresses").First(entry => entry.Text("type") == "InternalIP").Text("address");
        return Group($"{address}:{node.Number("status", "daemonEndpoints", "kubeletEndpoint", "Port") ?? 10250}", labels);
    }

    // One target for each port of each container; a container without ports has one without a port.
    private static IEnumerable<JsonObject> PodGroups(JsonObject pod)
    {
        string ip = pod.Text("status", "podIP");
        if (ip.Length == 0)
        {
            yield break;
        }

        foreach (JsonObject container in pod.Objects("spec", "containers"))
        {
            JsonObject[] ports = [.. container.Objects("ports")];
            foreach (JsonObject? port in ports.Length == 0 ? new JsonObject?[] { null } : ports)
            {
                JsonObject labels = PodLabels(pod);
                labels["__meta_kubernetes_pod_container_name"] = container.Text("name");
                if (port is not null)
                {
                    labels["__meta_kubernetes_pod_container_port_name"] = port.Text("name");
                    labels["__meta_kubernetes_pod_container_port_number"] = $"{port.Number("containerPort")}";
                }

                yield return Group(port is null ? ip : $"{ip}:{port.Number("containerPort")}", labels);
            }
        }
    }

    private static JsonObject PodLabels(JsonObject pod)
    {
        JsonObject labels = Described("pod", pod);
        labels["__meta_kubernetes_pod_ip"] = pod.Text("status", "podIP");
        labels["__meta_kubernetes_pod_node_name"] = pod.Text("spec", "nodeName");
        labels["__meta_kubernetes_pod_host_ip"] = pod.Text("status", "hostIP");
        labels["__meta_kubernetes_pod_phase"] = pod.Text("status", "phase");
        return labels;
    }

    private static IEnumerable<JsonObject> Endpoints(JsonObject[] slices, JsonObject[] services, JsonObject[] pods)
    {
        foreach (JsonObject slice in slices)
        {
            string ns = slice.Text("metadata", "namespace");
            string owner = slice.Text("metadata", "labels", "kubernetes.io/service-name");
            JsonObject? service = services.FirstOrDefault(s => s.Text("metadata", "namespace") == ns && s.Text("metadata", "name") == owner);
            foreach (JsonObject endpoint in slice.Objects("endpoints"))
            {
                JsonObject? pod = pods.FirstOrDefault(p => endpoint.Text("targetRef", "kind") == "Pod"
                    && p.Text("metadata", "namespace") == ns && p.Text("metadata", "name") == endpoint.Text("targetRef", "name"));
                foreach (JsonObject port in slice.Objects("ports"))
                {
                    JsonObject labels = Described("endpointslice", slice);
                    Merge(labels, service is null ? [] : Described("service", service));
                    Merge(labels, pod is null ? [] : PodLabels(pod));
                    labels["__meta_kubernetes_endpointslice_port_name"] = port.Text("name");
                    labels["__meta_kubernetes_endpointslice_port"] = $"{port.Number("port")}";
                    labels["__meta_kubernetes_endpointslice_endpoint_conditions_ready"] = endpoint.Flag("conditions", "ready") == false ? "false" : "true";
                    yield return Group($"{endpoint.Strings("addresses").First()}:{port.Number("port")}", labels);
                }
            }
        }
    }

    /// <summary>Name, namespace, labels and annotations of an object, as meta labels of its kind.</summary>
    private static JsonObject Described(string kind, JsonObject o)
    {
        var labels = new JsonObject { [$"__meta_kubernetes_{kind}_name"] = o.Text("metadata", "name") };
        if (o.Text("metadata", "namespace") is { Length: > 0 } ns)
        {
            labels["__meta_kubernetes_namespace"] = ns;
        }

        foreach (string what in (string[])["label", "annotation"])
        {
            foreach ((string key, JsonNode? value) in o.Map("metadata", what + "s") ?? [])
            {
                string name = string.Concat(key.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
                labels[$"__meta_kubernetes_{kind}_{what}_{name}"] = value.Text();
                labels[$"__meta_kubernetes_{kind}_{what}present_{name}"] = "true";
            }
        }

        return labels;
    }

    private static void Merge(JsonObject into, JsonObject from)
    {
        foreach ((string key, JsonNode? value) in from)
        {
            into[key] = value?.DeepClone();
        }
    }

    private static JsonObject Group(string target, JsonObject labels) => new() { ["targets"] = new JsonArray(target), ["labels"] = labels };
}

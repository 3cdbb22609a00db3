using System.CommandLine;
using LoadBalancer.Kubectl.Cluster;
using LoadBalancer.Kubectl.Output;
using LoadBalancer.Kubernetes.Client;

namespace LoadBalancer.Kubectl.Commands;

/// <summary>The flags that every command has, and what they lead to.</summary>
internal sealed class CommonFlags
{
    /// <summary>The kubeconfig.</summary>
    public Option<string?> Kubeconfig { get; } = new("--kubeconfig") { HelpName = "FILE", Description = "How to reach the API server. Default: $KUBECONFIG, then ~/.kube/config.", Recursive = true };

    /// <summary>Its context.</summary>
    public Option<string?> Context { get; } = new("--context") { HelpName = "NAME", Description = "The kubeconfig's context to use.", Recursive = true };

    /// <summary>The namespace of our programs.</summary>
    public Option<string> SystemNamespace { get; } = new("--system-namespace")
    {
        HelpName = "NAME", Description = "The namespace of the load balancer's own programs.", DefaultValueFactory = static _ => "loadbalancer-system", Recursive = true,
    };

    /// <summary>The ConfigMap.</summary>
    public Option<string> ConfigMap { get; } = new("--config-map")
    {
        HelpName = "NAME", Description = "The ConfigMap with the address pools.", DefaultValueFactory = static _ => "config", Recursive = true,
    };

    /// <summary>An option for the form of the answer.</summary>
    /// <param name="forms">Those that the command has beside text.</param>
    public static Option<OutputFormat> Output(params string[] forms)
    {
        var option = new Option<OutputFormat>("--output", "-o") { HelpName = string.Join('|', forms), Description = "The form of the answer; tables and sentences unless it is said." };
        option.CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (forms.Contains(text) && Enum.TryParse<OutputFormat>(text, ignoreCase: true, out var format))
            {
                return format;
            }

            result.AddError($"-o: '{text}' is none of {string.Join(", ", forms)}.");
            return default;
        };
        option.CompletionSources.Clear();
        option.CompletionSources.Add(forms);
        return option;
    }

    /// <summary>Adds them.</summary>
    public void AddTo(RootCommand root)
    {
        root.Options.Add(Kubeconfig);
        root.Options.Add(Context);
        root.Options.Add(SystemNamespace);
        root.Options.Add(ConfigMap);
    }

    /// <summary>Opens the connection. Nothing is sent yet.</summary>
    /// <exception cref="ApiConfigurationException">There is no API server to be found.</exception>
    public ApiConnection Connect(ParseResult parsed) =>
        new ApiClientFactory(TimeProvider.System).Connect(parsed.GetValue(Kubeconfig), $"kubectl-lb/{typeof(CommonFlags).Assembly.GetName().Version?.ToString(3)}", parsed.GetValue(Context));

    /// <summary>Reads the cluster.</summary>
    public ClusterReader Reader(ParseResult parsed, ApiConnection connection) => new(
        ReaderOf(connection), parsed.GetValue(SystemNamespace)!, parsed.GetValue(ConfigMap)!);

    /// <summary>Reads the API server.</summary>
    public static ApiReader ReaderOf(ApiConnection connection) =>
        new(new ApiClient(connection, ApiUse.Viewer with { Grants = [.. ApiUse.Viewer.Grants, .. ApiUse.Forwarding, .. ApiUse.Diagnosing, .. ApiUse.Migrating] }, TimeProvider.System), TimeProvider.System);
}

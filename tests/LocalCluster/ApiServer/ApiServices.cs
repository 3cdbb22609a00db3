using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Discovery;
using LoadBalancer.LocalCluster.ApiServer.Faults;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.OpenApi;
using LoadBalancer.LocalCluster.ApiServer.Requests;
using LoadBalancer.LocalCluster.ApiServer.Rules;
using LoadBalancer.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer;

/// <summary>The parts of the server put together; they live as long as the server, over every stop and start.</summary>
internal sealed class ApiServices
{
    private static readonly Version IpModeSince = new(1, 29);

    public ApiServices(LocalApiServerOptions options, Uri endpoint)
    {
        Store = new ObjectStore(options.WatchHistory);
        Faults = new FaultInjection(Store, options.Time);
        var kinds = new KindTable(options.EndpointSliceVersions);
        var allocation = new ServiceAllocation(options.ServiceRanges, options.NodePorts.First, options.NodePorts.Last);
        var rules = new RuleTable(allocation);
        var preparation = new Preparation(Store, rules, options.Time, options.KubernetesVersion >= IpModeSince);
        var writes = new Writes(Store, rules, preparation, options.Time);
        var authorizer = new RbacAuthorizer(Store);
        var paths = new NonResourcePaths(new DiscoveryDocuments(kinds, options.KubernetesVersion, endpoint), new OpenApiDocuments(kinds), AccessLog);
        Handler = new ApiHandler(kinds, Authentication, authorizer, AccessLog, Faults, paths,
            new Reads(Store, options.Time), new Watches(Store, options.Time, Faults), writes, new Deletes(Store, kinds, rules, options.Time),
            new Subresources(writes, Authentication, authorizer, options.EnforceRbac, options.Time), new PodProxy(Store), new PodForward(Store, options.ForwardPort), new PodLog(options.LogFileOf), options.EnforceRbac);

        Store.Changed += new CustomKinds(kinds, Store, options.Time).Follow;
        Bootstrap.Run(writes, (plural, ns) => OwnContext(kinds, plural, ns), allocation.First, endpoint.Port);
    }

    public ObjectStore Store { get; }

    public Authentication Authentication { get; } = new();

    public AccessLog AccessLog { get; } = new();

    public FaultInjection Faults { get; }

    public ApiHandler Handler { get; }

    // The server's own writes go the way of all others, without a connection behind them.
    private static ApiContext OwnContext(KindTable kinds, string plural, string ns)
    {
        var kind = kinds.Kinds.First(k => k.Plural == plural);
        var info = new RequestInfo { IsResource = true, Verb = "create", Path = "", Group = kind.Group, Version = kind.Version, Namespace = ns, Resource = plural };
        return new ApiContext(new DefaultHttpContext(), info, User.Named("admin"), kind);
    }
}

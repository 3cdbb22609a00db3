using LoadBalancer.Cluster.Tests;

// One wire, one cluster: what one test pulls out another would miss.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(ClusterFixture))]

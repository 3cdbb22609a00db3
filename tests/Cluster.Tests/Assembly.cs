using LoadBalancer.Cluster.Tests;
using LoadBalancer.Testing;

// One wire, one cluster: what one test pulls out another would miss.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(ClusterFixture))]

// The longest wait for a Lease to run out, or measure in rounds.
[assembly: Limit(180, "a cluster of processes begins, breaks and heals in real time")]

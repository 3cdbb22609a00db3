using LoadBalancer.Kubernetes.Client;
using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>The reflectors of a program.</summary>
/// <param name="api">What they list and watch.</param>
/// <param name="time">Their clock.</param>
/// <param name="loggers">Makes their loggers.</param>
/// <param name="observer">Told what they go through, or null.</param>
public sealed class ReflectorSet(ApiClient api, TimeProvider time, ILoggerFactory loggers, IReflectorObserver? observer)
{
    private readonly List<Func<CancellationToken, Task>> runs = [];
    private readonly List<Func<bool>> current = [];

    /// <summary>Whether each store is what the API server has now, as far as its reflector knows.</summary>
    public bool AreCurrent => current.TrueForAll(static isCurrent => isCurrent());

    /// <summary>Adds one that keeps a store equal to what the API server has of a kind. Before <see cref="Run"/>.</summary>
    /// <typeparam name="T">The kind.</typeparam>
    public Reflector<T> Reflect<T>(ResourceKind<T> kind, ResourceSelection selection, Store<T> store)
        where T : class, IResource
    {
        var reflector = new Reflector<T>(new ApiResourceSource<T>(api, kind, selection, time), store, kind.Name, time, Random.Shared.NextDouble,
            loggers.CreateLogger<Reflector<T>>(), observer);
        runs.Add(reflector.RunAsync);
        current.Add(() => reflector.IsCurrent);
        return reflector;
    }

    /// <summary>Runs all until the token is cancelled. That any of them ends before is a failure.</summary>
    public IEnumerable<Task> Run(CancellationToken cancellationToken) => runs.Select(run => run(cancellationToken));
}

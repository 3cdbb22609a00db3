using LoadBalancer.Kubernetes.Resources;

namespace LoadBalancer.Speaker.Ownership;

/// <summary>What changed in the stores since it was last looked. From any thread.</summary>
internal sealed class CatalogChanges
{
    private readonly Lock gate = new();
    private HashSet<ObjectKey> services = [];
    private HashSet<ObjectKey> slices = [];
    private bool others = true;

    /// <summary>A Service.</summary>
    public void NoteService(ObjectKey service)
    {
        lock (gate)
        {
            services.Add(service);
        }
    }

    /// <summary>An EndpointSlice.</summary>
    public void NoteSlice(ObjectKey slice)
    {
        lock (gate)
        {
            slices.Add(slice);
        }
    }

    /// <summary>Something that any VIP may depend on.</summary>
    public void NoteOthers()
    {
        lock (gate)
        {
            others = true;
        }
    }

    /// <summary>They are looked at now.</summary>
    public (IReadOnlyCollection<ObjectKey> Services, IReadOnlyCollection<ObjectKey> Slices, bool Others) Take()
    {
        lock (gate)
        {
            var taken = (services, slices, others);
            services = [];
            slices = [];
            others = false;
            return taken;
        }
    }
}

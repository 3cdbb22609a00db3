using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Requests;

namespace LoadBalancer.LocalCluster.ApiServer.Rules;

/// <summary>What a kind does beyond being stored: defaults, what an update carries over, checks. All objects are in the stored version.</summary>
public class KindRules
{
    /// <summary>The rules of kinds that have none of their own.</summary>
    public static KindRules None { get; } = new();

    /// <summary>What an object's name may look like.</summary>
    public virtual NameForm NameForm => NameForm.Subdomain;

    /// <summary>Fills in what the user left out; on every write, before anything else.</summary>
    public virtual void Default(JsonObject o)
    {
    }

    /// <summary>Completes a new object. Its status is gone already.</summary>
    public virtual void PrepareCreate(JsonObject o)
    {
    }

    /// <summary>Carries over from the old state what an update may not or did not give. Status is the old one already.</summary>
    public virtual void PrepareUpdate(JsonObject o, JsonObject old)
    {
    }

    /// <summary>Adds what is wrong with the object. <paramref name="old"/> is null for a new one.</summary>
    public virtual void Validate(JsonObject o, JsonObject? old, ResourceKind requested, ICollection<FieldProblem> problems)
    {
    }

    /// <summary>Adds what is wrong with a status update.</summary>
    public virtual void ValidateStatus(JsonObject o, JsonObject old, ICollection<FieldProblem> problems)
    {
    }

    /// <summary>Takes from pools what the object needs and writes it into the object.</summary>
    /// <exception cref="ApiException">A pool is empty, or what was asked for is taken.</exception>
    public virtual Reservation Reserve(ResourceKind kind, JsonObject o, JsonObject? old) => Reservation.Empty;

    /// <summary>Gives back what a removed object had.</summary>
    public virtual void Release(JsonObject removed)
    {
    }
}

/// <summary>What a write has taken from pools: kept when the write is stored, given back when it fails.</summary>
public sealed class Reservation : IDisposable
{
    private readonly List<Action> _giveBack = [];
    private readonly List<Action> _onStored = [];

    /// <summary>One of nothing.</summary>
    public static Reservation Empty => new();

    public void GiveBackUnlessStored(Action giveBack) => _giveBack.Add(giveBack);

    public void WhenStored(Action action) => _onStored.Add(action);

    /// <summary>The write is stored.</summary>
    public void Stored()
    {
        _giveBack.Clear();
        foreach (var action in _onStored)
            action();
        _onStored.Clear();
    }

    public void Dispose()
    {
        foreach (var action in _giveBack)
            action();
        _giveBack.Clear();
    }
}

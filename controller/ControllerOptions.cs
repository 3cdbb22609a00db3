namespace LoadBalancer.Controller;

/// <summary>The controller's own settings.</summary>
/// <param name="MarkLostNodes">Whether the pods of lost nodes are marked not ready.</param>
internal sealed record ControllerOptions(bool MarkLostNodes);

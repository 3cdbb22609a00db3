using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Assigning;

internal sealed partial class StatusWrites
{
    [LoggerMessage(EventId = 110, Level = LogLevel.Warning,
        Message = "Writing the status of {Service} failed; its addresses stay held and it is tried again.")]
    private partial void LogFailed(ObjectKey service, Exception exception);
}

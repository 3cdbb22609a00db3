using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.ListWatch;

/// <summary>The reflector's log messages, 2000 to 2009.</summary>
public sealed partial class Reflector<T>
{
    private void LogFault(Exception exception, ReflectorFault fault, TimeSpan wait)
    {
        // Once a minute or so while the API server is away is enough: the first, then those with the longest waits.
        if (failures == 1 || failures % 8 == 0)
        {
            LogFailed(kind, fault, failures, exception.Message, wait);
        }
        else
        {
            LogFailedAgain(kind, fault, failures, exception.Message, wait);
        }
    }

    [LoggerMessage(EventId = 2000, Level = LogLevel.Debug, Message = "Listed {Objects} {Kind} at version {Version}")]
    private partial void LogListed(string kind, int objects, string version);

    [LoggerMessage(EventId = 2001, Level = LogLevel.Warning,
        Message = "Following {Kind} failed ({Fault}, {Failures} in a row): {Error}. What is known stays in force; next try in {Wait}")]
    private partial void LogFailed(string kind, ReflectorFault fault, int failures, string error, TimeSpan wait);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Debug,
        Message = "Following {Kind} failed ({Fault}, {Failures} in a row): {Error}. Next try in {Wait}")]
    private partial void LogFailedAgain(string kind, ReflectorFault fault, int failures, string error, TimeSpan wait);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "Following {Kind} works again after {Failures} failures")]
    private partial void LogRecovered(string kind, int failures);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Debug, Message = "Listing {Kind} again ({Fault}): {Error}")]
    private partial void LogRelist(string kind, ReflectorFault fault, string error);

    [LoggerMessage(EventId = 2005, Level = LogLevel.Warning,
        Message = "The list of {Kind} is not believed: {Reason}. What is known stays in force until the API server has said so for {For}")]
    private partial void LogDoubtful(string kind, string reason, TimeSpan @for);
}

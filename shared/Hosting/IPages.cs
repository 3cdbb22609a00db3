using Microsoft.AspNetCore.Http;

namespace LoadBalancer.Hosting;

/// <summary>What a program serves beside /healthz, /readyz, /metrics and /status.</summary>
public interface IPages
{
    /// <summary>The paths, for who asks for one that is not there.</summary>
    string Paths { get; }

    /// <summary>Answers a request, if it is for one of them.</summary>
    /// <returns>Whether it was.</returns>
    Task<bool> AnswerAsync(HttpContext context);
}

using System.Net.Http.Headers;
using k8s.Authentication;

namespace LoadBalancer.Kubernetes.Client;

/// <summary>
/// The bearer token of a file that is replaced while the program runs: kubelet renews a pod's token at 80 % of its lifetime, at least
/// every 8 minutes for the shortest tokens there are (10 minutes). Read again after a minute, as client-go does.
/// </summary>
internal sealed class FileToken(string path, TimeProvider time) : ITokenProvider
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private Reading? reading;

    /// <inheritdoc/>
    public async Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken)
    {
        var last = Volatile.Read(ref reading);
        if (last is null || time.GetElapsedTime(last.At) >= Lifetime)
        {
            last = await ReadAsync(last, cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref reading, last);
        }

        return new AuthenticationHeaderValue("Bearer", last.Token);
    }

    private async Task<Reading> ReadAsync(Reading? last, CancellationToken cancellationToken)
    {
        try
        {
            var token = (await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false)).Trim();
            if (token.Length > 0)
            {
                return new Reading(token, time.GetTimestamp());
            }
        }
        catch (Exception e) when (last is not null && (e is IOException or UnauthorizedAccessException))
        {
            // The one read last is most likely still good; the server has the last word.
        }

        return last ?? throw new IOException($"the token file {path} is empty");
    }

    private sealed record Reading(string Token, long At);
}

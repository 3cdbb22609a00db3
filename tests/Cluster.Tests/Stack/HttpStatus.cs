using LoadBalancer.LocalCluster;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.Cluster.Tests.Stack;

/// <summary>What a browser or curl on a host of the LAN gets.</summary>
internal static class HttpStatus
{
    /// <summary>Waits until an address answers with a status, and returns the body.</summary>
    public static async Task<string> GetAsync(Host from, string address, int port, string path, int status)
    {
        string last = "nothing";
        return await Eventually.GetAsync(
            async () =>
            {
                using HttpClient http = from.Http(TimeSpan.FromSeconds(5));
                try
                {
                    using HttpResponseMessage response = await http.GetAsync(new Uri($"http://{address}:{port}{path}"), TestContext.Current.CancellationToken);
                    last = $"{(int)response.StatusCode}";
                    return (int)response.StatusCode == status ? await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) : null;
                }
                catch (Exception absent) when (absent is HttpRequestException or OperationCanceledException && !TestContext.Current.CancellationToken.IsCancellationRequested)
                {
                    last = absent.Message;
                    return null;
                }
            },
            TimeSpan.FromSeconds(30), $"{status} from http://{address}:{port}{path}", () => last);
    }
}

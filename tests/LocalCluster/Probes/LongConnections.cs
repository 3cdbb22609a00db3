using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LoadBalancer.LocalCluster.Network;

namespace LoadBalancer.LocalCluster.Probes;

/// <summary>
/// Clients that keep a TCP connection each and ask for a page on it over and over, as a browser or a database client does. What it
/// tells is how many of the connections broke, and how long the slowest answer took.
/// </summary>
public sealed class LongConnections : IAsyncDisposable
{
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: vip\r\n\r\n");
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _tasks = [];
    private readonly List<string> _pods = [];
    private readonly ConcurrentBag<string> _brokenPods = [];
    private long _slowest;
    private int _broken;
    private string _firstFailure = "";

    private LongConnections(TimeProvider time) => _time = time;

    /// <summary>The connections that broke.</summary>
    public int Broken => Volatile.Read(ref _broken);

    /// <summary>Whether nothing is asked for at present.</summary>
    public bool Idle { get; set; }

    /// <summary>The pods that serve the connections, one entry each.</summary>
    public IReadOnlyList<string> Pods => _pods;

    /// <summary>The connections that broke although another pod than this served them.</summary>
    public int BrokenBeside(string pod) => _brokenPods.Count(each => each != pod);

    /// <summary>How the first of them did.</summary>
    public string FirstFailure => Volatile.Read(ref _firstFailure);

    /// <summary>The longest time from a request to its answer.</summary>
    public TimeSpan Slowest => new(Volatile.Read(ref _slowest));

    /// <summary>Opens the connections; each has had an answer when this returns.</summary>
    public static async Task<LongConnections> OpenAsync(Host from, string address, int count = 30, int port = 80, TimeProvider? time = null)
    {
        var connections = new LongConnections(time ?? TimeProvider.System);
        for (int i = 0; i < count; i++)
        {
            var target = new IPEndPoint(IPAddress.Parse(address), port);
            Socket socket = from.TcpSocket(target.AddressFamily);
            connections._sockets.Add(socket);
            await socket.ConnectAsync(target);
            connections._pods.Add(PodOf(await AskAsync(socket, new byte[4096], CancellationToken.None)));
        }

        connections._tasks.AddRange(connections._sockets.Zip(connections._pods, connections.KeepAskingAsync));
        return connections;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_tasks);
        _sockets.ForEach(socket => socket.Dispose());
        _stop.Dispose();
    }

    private static string PodOf(string answer)
    {
        const string Header = "X-Pod: ";
        int at = answer.IndexOf(Header, StringComparison.Ordinal);
        return at < 0 ? "" : answer[(at + Header.Length)..answer.IndexOf('\r', at)];
    }

    private static async Task<string> AskAsync(Socket socket, byte[] buffer, CancellationToken cancel)
    {
        await socket.SendAsync(Request, cancel);
        int length = 0;
        while (true)
        {
            int received = await socket.ReceiveAsync(buffer.AsMemory(length), cancel);
            if (received == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            length += received;
            string answer = Encoding.ASCII.GetString(buffer, 0, length);
            if (IsWhole(answer))
            {
                return answer;
            }
        }
    }

    private static bool IsWhole(string answer)
    {
        int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        const string Length = "Content-Length: ";
        int at = answer.IndexOf(Length, StringComparison.OrdinalIgnoreCase);
        return end >= 0 && at >= 0
            && answer.Length >= end + 4 + int.Parse(answer.AsSpan(at + Length.Length, answer.IndexOf('\r', at) - at - Length.Length), System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task KeepAskingAsync(Socket socket, string pod)
    {
        byte[] buffer = new byte[4096];
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (Idle)
                {
                    continue;
                }

                long start = _time.GetTimestamp();
                await AskAsync(socket, buffer, _stop.Token);
                Note(_time.GetElapsedTime(start).Ticks);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (SocketException failure)
        {
            _brokenPods.Add(pod);
            if (Interlocked.Increment(ref _broken) == 1)
            {
                Volatile.Write(ref _firstFailure, failure.SocketErrorCode.ToString());
            }
        }
    }

    private void Note(long ticks)
    {
        for (long known = Volatile.Read(ref _slowest); ticks > known;)
        {
            long was = Interlocked.CompareExchange(ref _slowest, ticks, known);
            if (was == known)
            {
                return;
            }

            known = was;
        }
    }
}

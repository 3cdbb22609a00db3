namespace LoadBalancer.Hosting;

/// <summary>The exit status the program will end with: 0 unless a part of it failed.</summary>
public sealed class ExitStatus
{
    private volatile int value;

    /// <summary>0 or 1.</summary>
    public int Value => value;

    /// <summary>Makes it 1.</summary>
    public void Fail() => value = 1;
}

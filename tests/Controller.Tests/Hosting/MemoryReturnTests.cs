using LoadBalancer.Hosting;

namespace LoadBalancer.Controller.Tests.Hosting;

public sealed class MemoryReturnTests : IDisposable
{
    private readonly MemoryReturn memory;
    private long allocated;
    private long held;
    private int collected;

    public MemoryReturnTests() => memory = new MemoryReturn(TimeProvider.System, () => allocated, () => held, () => collected++);

    public void Dispose() => memory.Dispose();

    [Fact]
    public void AfterABurst_WhenThereIsCalm_MemoryIsGivenBackOnce()
    {
        Work(100 * MemoryReturn.Worth);
        Work(MemoryReturn.Calm);
        Assert.Equal(0, collected);

        Work(MemoryReturn.Calm - 1);
        Assert.Equal(1, collected);
        Work(0);
        Work(MemoryReturn.Calm - 1);
        Assert.Equal(1, collected);
    }

    [Fact]
    public void WhatAddsUpSlowly_IsGivenBackWhenItIsWorthIt()
    {
        for (long sum = 0; sum < MemoryReturn.Worth - (MemoryReturn.Calm / 2); sum += MemoryReturn.Calm / 2)
        {
            Work(MemoryReturn.Calm / 2);
            Assert.Equal(0, collected);
        }

        Work(MemoryReturn.Calm / 2);
        Assert.Equal(1, collected);
    }

    [Fact]
    public void WithoutCalm_ItIsDoneNowAndThen_AndOnlyIfTheHeapGrew()
    {
        for (var i = 0; i <= 2 * MemoryReturn.Patience; i++)
        {
            Work(MemoryReturn.Worth);
        }

        Assert.Equal(0, collected);
        held = MemoryReturn.Worth;
        Work(MemoryReturn.Worth);
        Assert.Equal(1, collected);

        held *= 2;
        for (var i = 0; i < MemoryReturn.Patience; i++)
        {
            Work(MemoryReturn.Worth);
            Assert.Equal(1, collected);
        }

        Work(MemoryReturn.Worth);
        Assert.Equal(2, collected);
    }

    private void Work(long bytes)
    {
        allocated += bytes;
        memory.Look();
    }
}

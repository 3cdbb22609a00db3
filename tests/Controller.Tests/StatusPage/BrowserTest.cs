using LoadBalancer.Browser;
using LoadBalancer.Status;

namespace LoadBalancer.Controller.Tests.StatusPage;

/// <summary>A test with a browser of its own.</summary>
public abstract class BrowserTest : IAsyncLifetime
{
    /// <summary>True from when what was told is on the screen.</summary>
    protected const string Shown = "performance.getEntriesByName('data-shown').length > 0";

    // Beside the tests' output, and never into the repository.
    protected static readonly string Pictures = Path.Combine(AppContext.BaseDirectory, "pictures");

    private Chromium? chromium;
    private Tab? tab;

    protected Tab Tab => tab!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Chromium.Find() is null, "chromium is not installed: build/prepare.sh test");
        chromium = await Chromium.StartAsync();
        tab = await chromium.OpenAsync();
        await Tab.ResizeAsync(1440, 900);
        await Tab.PreferAsync(dark: false);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (tab is not null)
        {
            await tab.DisposeAsync();
        }

        if (chromium is not null)
        {
            await chromium.DisposeAsync();
        }
    }

    protected static string Picture(string name) => Path.Combine(Pictures, name);

    /// <summary>Serves the page, and opens it.</summary>
    private protected async Task<ServedPage> OpenAsync(ControllerStatus status)
    {
        var page = await ServedPage.StartAsync(status);
        await Tab.GoAsync(page.Address.ToString());
        await Tab.UntilAsync(Shown);
        return page;
    }
}

using System.Globalization;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Kv.Console.Tests;

/// <summary>Reshards that are begun, watched and given up on the page.</summary>
[Collection(nameof(Browsed))]
public sealed class ReshardTests(Browsed browsed)
{
    private const float Patience = 30000;

    [Fact]
    public async Task A_reshard_is_started_with_the_mouse_its_bar_reaches_its_end_and_the_ring_is_another()
    {
        await using var console = await browsed.OpenAsync(node: 1);
        var (before, next) = await OtherCountAsync(console);
        await console.Page.Locator("#reshard-count").FillAsync(next);
        await console.Page.Locator("#reshard-start").ClickAsync();
        var dialog = console.Page.GetByRole(AriaRole.Dialog);
        await Expect(dialog).ToContainTextAsync($"Reshard to {next} shard");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Start reshard" }).ClickAsync();

        await Expect(console.Page.Locator("#reshard-title")).ToContainTextAsync("transferring keys");
        await Expect(console.Page.Locator("#ring-moving path").First).ToBeAttachedAsync();
        await Expect(console.Page.Locator("#reshard-facts")).ToContainTextAsync("Waits for");
        await Expect(console.Bar).ToHaveAttributeAsync("aria-valuenow", "100", new() { Timeout = Patience });
        await Expect(console.ShardCount).ToHaveTextAsync(next);
        await Expect(console.Page.Locator("#ring-tracks path")).ToHaveCountAsync(int.Parse(next, CultureInfo.InvariantCulture));
        await Expect(console.Page.Locator("#ring-moving path")).ToHaveCountAsync(0);
        await Expect(console.Page.Locator("#shard-rows tr")).ToHaveCountAsync(int.Parse(next, CultureInfo.InvariantCulture));
        await Expect(console.Happening("reshard-committed", "The reshard was committed").First).ToBeVisibleAsync();
        Assert.NotEqual(before, next);
    }

    [Fact]
    public async Task A_reshard_is_started_and_cancelled_by_the_keyboard_alone()
    {
        await using var console = await browsed.OpenAsync(node: 2);
        var (before, next) = await OtherCountAsync(console);
        var keyboard = console.Page.Keyboard;
        await keyboard.PressAsync("Tab");
        await Expect(console.Page.Locator(":focus")).ToHaveTextAsync("Skip to the cluster");
        await keyboard.PressAsync("Enter");
        await console.TabToAsync("reshard-count");
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync(next);
        await keyboard.PressAsync("Enter");
        await Expect(console.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await console.TabToAsync("confirm-yes");
        await keyboard.PressAsync("Enter");

        await Expect(console.Page.Locator("#reshard-title")).ToContainTextAsync("transferring keys");
        await console.TabToAsync("reshard-cancel");
        await keyboard.PressAsync("Enter");
        await console.TabToAsync("confirm-yes");
        await keyboard.PressAsync("Enter");
        await Expect(console.Page.Locator("#reshard-title")).ToContainTextAsync("cancelled");
        await Expect(console.Happening("reshard-cancelled", "The reshard was cancelled").First).ToBeVisibleAsync();
        await Expect(console.ShardCount).ToHaveTextAsync(before);
        await Expect(console.Page.Locator("#reshard-count")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Who_thinks_better_of_it_changes_nothing()
    {
        await using var console = await browsed.OpenAsync(node: 3);
        await console.Page.Locator("#reshard-start").ClickAsync();
        await console.Page.Keyboard.PressAsync("Escape");
        await Expect(console.Page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
        await Expect(console.Page.Locator("#reshard-start")).ToBeFocusedAsync();
        Assert.Equal("none", (await browsed.Nodes[3].Client.ReshardStatusAsync()).Text("stage"));
    }

    // Two shards or three, whatever the last test left.
    private static async Task<(string Before, string Next)> OtherCountAsync(ConsolePage console)
    {
        await Expect(console.ShardCount).Not.ToBeEmptyAsync();
        var before = await console.ShardCount.TextContentAsync() ?? "";
        return (before, before == "3" ? "2" : "3");
    }
}

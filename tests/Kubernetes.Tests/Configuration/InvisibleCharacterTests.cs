using LoadBalancer.Core.Pools;
using LoadBalancer.Kubernetes.Configuration;

namespace LoadBalancer.Kubernetes.Tests.Configuration;

/// <summary>What looks like a blank, or like nothing, and is neither: a text pasted from a web page or a chat is full of it.</summary>
public sealed class InvisibleCharacterTests
{
    private const string Space = "type an ordinary space in its place";
    private const string Nothing = "delete it";

    [Theory]
    [InlineData("address-pools:\n-\u00A0name: a\n", 2, 2, "U+00A0 NO-BREAK SPACE", Space)]
    [InlineData("address-pools:\n- name: a\n\u00A0 protocol: layer2\n", 3, 1, "U+00A0 NO-BREAK SPACE", Space)]
    [InlineData("address-pools:\n- name: a\n  addresses: [10.0.0.1\u202F-\u202010.0.0.9]\n", 3, 23, "U+202F NARROW NO-BREAK SPACE", Space)]
    [InlineData("address-pools:\u3000[]\n", 1, 15, "U+3000 IDEOGRAPHIC SPACE", Space)]
    [InlineData("address-pools:\n- name: a\u200B\n", 2, 10, "U+200B ZERO WIDTH SPACE", Nothing)]
    [InlineData("address\u00AD-pools: []\n", 1, 8, "U+00AD SOFT HYPHEN", Nothing)]
    [InlineData("address-pools: []\n\uFEFF", 2, 1, "U+FEFF ZERO WIDTH NO-BREAK SPACE (byte order mark)", Nothing)]
    [InlineData("address-pools: []\u2028", 1, 18, "U+2028 LINE SEPARATOR", "end the line with the Enter key instead")]
    [InlineData("# first\u0085address-pools: []\n", 1, 8, "U+0085 NEXT LINE", "end the line with the Enter key instead")]
    [InlineData("address-pools: []\U000E0041\n", 1, 18, "U+E0041", Nothing)]
    [InlineData("address-pools:\n- name: \"a\u200D\"\n", 2, 11, "U+200D ZERO WIDTH JOINER", Nothing)]
    public void InvisibleCharacter_InTheText_IsNamedWithItsPlaceAndWhatToWrite(string text, int line, int column, string name, string remedy)
    {
        var result = PoolConfigText.Read(text);
        Assert.Null(result.Config);
        var problem = result.Problems[0];
        Assert.Equal((line, column), (problem.Line, problem.Column));
        Assert.StartsWith($"the invisible character {name}", problem.Message, StringComparison.Ordinal);
        Assert.StartsWith(remedy, problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void InvisibleCharacter_ManyTimes_IsOneProblemThatTellsWhereTheNextAre()
    {
        var text = "address-pools:\n" + string.Concat(Enumerable.Repeat("\u00A0\u00A0- x\u200B\n", 20));
        var problems = PoolConfigText.Read(text).Problems;
        Assert.Equal(2, problems.Count);
        Assert.Equal("the invisible character U+00A0 NO-BREAK SPACE, 40 times: on lines 2, 3, 4, 5, 6 and 15 more", problems[0].Message);
        Assert.Equal("the invisible character U+200B ZERO WIDTH SPACE, 20 times: on lines 2, 3, 4, 5, 6 and 15 more", problems[1].Message);
    }

    [Theory]
    [InlineData("# our\u00A0pools 👩\u200D💻\naddress-pools: []\n")]
    [InlineData("address-pools: [] # none\u00A0yet\n")]
    [InlineData("\uFEFFaddress-pools: []\n")]
    public void InvisibleCharacter_InAComment_DoesNoHarm(string text) => Assert.Empty(PoolConfigText.Read(text).Problems);

    [Theory]
    [InlineData("address-pools:\n- name: \"a #\u00A0b\"\n  protocol: layer2\n  addresses: [10.0.0.0/24]\n")]
    [InlineData("address-pools:\n- name: \"a\\u00A0b\"\n  protocol: layer2\n  addresses: [10.0.0.0/24]\n")]
    public void InvisibleCharacter_ThatOnlyTheParserSees_IsNamedAtItsValue(string text)
    {
        var problem = Assert.Single(PoolConfigText.Read(text).Problems);
        Assert.Equal((2, 9), (problem.Line, problem.Column));
        Assert.StartsWith("the value has the invisible character U+00A0 NO-BREAK SPACE", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ControlCharacter_IsNamedToo()
    {
        var problem = Assert.Single(PoolConfigText.Read("address-pools: []\u001B\n").Problems);
        Assert.Equal((1, 18), (problem.Line, problem.Column));
        Assert.Equal("not YAML: the control character U+001B ESCAPE", problem.Message);
    }

    [Fact]
    public void Show_MakesVisibleWhatIsNot() =>
        Assert.Equal("de<U+200B ZERO WIDTH SPACE>fault", InvisibleCharacters.Show("de\u200Bfault"));
}

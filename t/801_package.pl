# What packages are made from: versions, licence and names agree, and META.json is what PGXN takes.
#
# scripts/package builds and tests the packages themselves.
use strict;
use warnings;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

sub lines { return split /\n/, slurp_file($_[0]); }

# ------------------------------------------------------------------ versions

my ($version) = slurp_file('compute_ledger.control') =~ /^default_version = '(.*)'$/m;
my ($change) = slurp_file('CHANGELOG.md') =~ /^## (\S+)/m;
is($change, $version, 'the version: CHANGELOG.md');
my ($source, $package_version) = (lines('debian/changelog'))[0] =~ /^(\S+) \((\S+)\) \S+; urgency=\w+$/;
like($package_version, qr/^\Q$version\E-[1-9]\d*$/, '... debian/changelog');
my $meta = JSON::PP->new->decode(slurp_file('META.json'));
is($meta->{version}, $version, '... META.json');
is($meta->{provides}{compute_ledger}{version}, $version, '... and what it provides');

my @pg = grep { !/^(#|$)/ } lines('debian/pgversions');
my ($chosen) = slurp_file('scripts/lib.sh') =~ /^\t\t([\d |]+)\) ;;$/m;
is("@pg", join(' ', split / \| /, $chosen), 'PostgreSQL of debian/pgversions: what scripts/lib.sh takes');
is($meta->{prereqs}{runtime}{requires}{PostgreSQL}, "$pg[0].0.0", '... from what META.json requires');
my ($suites) = slurp_file('scripts/chroots.sh') =~ /^declare -A suite=\((.*)\)$/m;
my @tested = $suites =~ /\[(\d+)\]/g;
is(scalar(grep { my $v = $_; grep { $_ eq $v } @pg } @tested), scalar @tested, '... those that have a suite are among them');
is($tested[-1], $pg[-1], '... to the newest');

# ------------------------------------------------------------------ debian/

(my $control = slurp_file('debian/control.in')) =~ s/PGVERSION/$pg[-1]/g;
is(slurp_file('debian/control'), $control, 'debian/control is debian/control.in with the newest');
is($control =~ /^Source: (\S+)$/m ? $1 : '', $source, 'the source package has one name');
my $templates = () = slurp_file('debian/control.in') =~ /^Package: \S*PGVERSION/mg;
is($templates, 1, 'one package has one for each PostgreSQL');
for my $test (map { /^Tests: (.*)/ ? split(/[, ]+/, $1) : () } lines('debian/tests/control'))
{
	ok(-x "debian/tests/$test", "autopkgtest $test is there");
}
ok(-x 'debian/rules', 'debian/rules is there');

my (undef, $copyright) = slurp_file('debian/copyright') =~ /^(Files: \*\nCopyright: .*\nLicense: PostgreSQL\n)((?: .*\n)+)\z/m;
$copyright =~ s/^ \.?//mg;
my ($holder) = slurp_file('debian/copyright') =~ /^Copyright: (.*)$/m;
is("PostgreSQL License\n\nCopyright (c) $holder\n\n$copyright", slurp_file('LICENSE'), 'debian/copyright is LICENSE');

# ------------------------------------------------------------------ META.json, by PGXN's meta specification 1.0.0

my $term = qr{^[^\s/\\\x00-\x1f\x7f]{2,}$};
my $semver = qr/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[A-Za-z][0-9A-Za-z-]*)?$/;
my %known = map { $_ => 1 } qw(abstract description generated_by license maintainer meta-spec name no_index prereqs provides release_status resources tags version);
is(join(' ', grep { !$known{$_} && !/^x_/i } sort keys %$meta), '', 'META.json has known keys only');
is(join(' ', grep { !defined $meta->{$_} } qw(abstract license maintainer meta-spec name provides version)), '', '... and all that are required');
like($meta->{name}, $term, 'name');
like($meta->{version}, $semver, 'version');
is($meta->{license}, 'postgresql', 'licence');
like($meta->{release_status}, qr/^(stable|testing|unstable)$/, 'release_status');
is_deeply($meta->{'meta-spec'}{version}, '1.0.0', 'meta-spec');
ok(!ref $meta->{$_} && $meta->{$_} =~ /\S/, "$_ is text") for qw(abstract description maintainer);
like($_, qr{^[^/\\\x00-\x1f\x7f]{1,255}$}, "tag $_") for @{ $meta->{tags} };
for my $name (sort keys %{ $meta->{provides} })
{
	my $extension = $meta->{provides}{$name};
	like($name, $term, "provides $name");
	like($extension->{version}, $semver, '... a version');
	ok(-f $extension->{file} && -f $extension->{docfile}, '... files that are there');
	is(join(' ', grep { !/^(abstract|docfile|file|version)$/ && !/^x_/i } keys %$extension), '', '... nothing unknown');
}
for my $phase (sort keys %{ $meta->{prereqs} })
{
	like($phase, qr/^(configure|build|test|runtime|develop)$/, "prereqs: phase $phase");
	like($_, qr/^(requires|recommends|suggests|conflicts)$/, "... $_") for sort keys %{ $meta->{prereqs}{$phase} };
}
done_testing();
